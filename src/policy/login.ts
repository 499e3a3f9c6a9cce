import type { Problem } from '../config/problem.ts';
import { nearest } from '../core/nearest.ts';
import type { CompiledPersona } from './policy.ts';

/** A login that none of the servers has which the persona may reach: its callers could run nothing. */
export function findLoginProblems(
  persona: CompiledPersona,
  logins: Readonly<Record<string, readonly string[]>> | undefined,
): Problem[] {
  const { name, login } = persona;
  if (login === undefined || logins === undefined) return [];
  const reachable = Object.entries(logins).filter(([serverName]) => persona.server(serverName).allowed);
  const names = [...new Set(reachable.flatMap(([, of]) => of))].toSorted();
  if (names.includes(login)) return [];
  const near = nearest(login, names);
  const advice = near === undefined ? `there are: ${names.join(', ') || '(none)'}` : `did you mean ${near}?`;
  const message = `names no login of a server that the persona may reach; ${advice}`;
  return [{ path: `personas.${name}.login`, message }];
}
