import { nearest } from '../core/nearest.ts';
import type { Problem } from './problem.ts';
import { BUILT_IN_PERSONAS, type Config } from './schema.ts';

type Checked = Pick<Config, 'auth' | 'personas'>;

/** Keys that share an id: it would be chance which of them is known. */
export function findKeyProblems({ auth }: Checked): Problem[] {
  const places = new Map<string, number>();
  return auth.api_keys.flatMap(({ id }, i) => {
    const before = places.get(id);
    if (before === undefined) places.set(id, i);
    return before === undefined
      ? []
      : [
          {
            path: `auth.api_keys[${i}].id`,
            message: `is the id of auth.api_keys[${before}] too; take one of them away`,
          },
        ];
  });
}

/** Why nobody could call over HTTP, after `auth`. */
export const NOBODY =
  'lets nobody call: make a key with `howdah key create` and put its entry under auth.api_keys, or name an issuer of tokens under auth.oidc';

export function mayAnyoneCall({ anonymous, api_keys: keys, oidc }: Config['auth']): boolean {
  return anonymous !== undefined || keys.length > 0 || oidc.length > 0;
}

/** Keys that do nothing, though nothing is wrong with their form. */
export function findKeyWarnings(checked: Checked, now: number): string[] {
  const roles = rolesOf(checked);
  return checked.auth.api_keys.flatMap((key, i) => {
    const path = `auth.api_keys[${i}]`;
    const hasExpired = key.expires_at !== undefined && Date.parse(key.expires_at) <= now;
    return [
      ...(hasExpired ? [`${path} expired at ${key.expires_at}; take it away, or replace it with a new key.`] : []),
      ...(key.roles.some((role) => roles.has(role.normalize('NFC')))
        ? []
        : [describeIdleRoles(path, key.roles, roles)]),
    ];
  });
}

/** All roles that choose a persona. */
export function rolesOf({ personas }: Pick<Config, 'personas'>): ReadonlySet<string> {
  const builtIn = BUILT_IN_PERSONAS.filter((name) => personas[name] === undefined);
  const configured = Object.entries(personas).flatMap(([name, { roles = [name] }]) => roles);
  return new Set([...configured, ...builtIn].map((role) => role.normalize('NFC')));
}

/** `subject` continues with what is the matter with its roles and what to do. */
export function describeIdleRoles(subject: string, given: readonly string[], roles: ReadonlySet<string>): string {
  const near = given.map((role) => nearest(role, [...roles])).find((role) => role !== undefined);
  const advice = near === undefined ? `there are ${[...roles].toSorted().join(', ')}` : `did you mean \`${near}\`?`;
  return `${subject} has no role that chooses a persona, so that it may do nothing; ${advice}`;
}
