import { COMPLETE_FROM_DATABASE_METHOD, COMPLETE_METHOD } from './methods/completion.ts';
import { READ_TABLE_METHOD } from './methods/resources.ts';
import { isRecord } from './record.ts';
import { parseResourceUri } from './resource-uri.ts';

/** The operation that a request of the protocol runs, and its arguments. Decides nothing about rights. */
export interface Route {
  readonly name: string;
  readonly arguments: unknown;
}

/** Undefined for a name that is an operation's and no method's. */
export function routeOf(method: string, params: Readonly<Record<string, unknown>>): Route | undefined {
  const { _meta, ...given } = params;
  if (method === READ_TABLE_METHOD || method === COMPLETE_FROM_DATABASE_METHOD) return undefined;
  if (method === 'resources/read') return routeRead(given);
  if (method === COMPLETE_METHOD) return routeCompletion(given);
  return { name: method, arguments: given };
}

function routeRead(given: Readonly<Record<string, unknown>>): Route {
  const uri = given['uri'];
  const resource = typeof uri === 'string' ? parseResourceUri(uri) : undefined;
  if (resource?.kind !== 'table') return { name: 'resources/read', arguments: given };
  const { kind: _, ...table } = resource;
  return { name: READ_TABLE_METHOD, arguments: { uri, ...table } };
}

/** A variable has one meaning in every prompt and template, so that `ref` need not be looked at. */
function routeCompletion({ argument, context }: Readonly<Record<string, unknown>>): Route {
  const { name: variable, value: prefix } = isRecord(argument) ? argument : {};
  const chosen = isRecord(context) && isRecord(context['arguments']) ? context['arguments'] : {};
  switch (variable) {
    case 'database':
      return { name: COMPLETE_FROM_DATABASE_METHOD, arguments: { variable, prefix, ...pick(chosen, ['server']) } };
    case 'schema':
    case 'table': {
      const place = pick(chosen, ['server', 'database', 'schema']);
      return { name: COMPLETE_FROM_DATABASE_METHOD, arguments: { variable, prefix, ...place } };
    }
    default:
      return { name: COMPLETE_METHOD, arguments: { variable, prefix } };
  }
}

/** What was chosen already; an empty field was not. */
function pick(chosen: Readonly<Record<string, unknown>>, names: readonly string[]): Readonly<Record<string, unknown>> {
  const given = names.filter((name) => chosen[name] !== undefined && chosen[name] !== '');
  return Object.fromEntries(given.map((name) => [name, chosen[name]]));
}
