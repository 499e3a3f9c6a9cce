import { isDeepStrictEqual } from 'node:util';
import { Secret } from '../core/secret.ts';
import type { Config } from './schema.ts';

/** What is taken over while Howdah runs; all else counts at the next start. */
const LIVE = /^(personas\.|queries\.|grants\.|auth\.api_keys\.|auth\.(anonymous|cancel_revoked|oidc)$|audit\.purpose$)/;

export interface ConfigChanges {
  /** Keys such as `personas.analyst`; an API key by its id. */
  readonly live: readonly string[];
  /** Keys that count at the next start. */
  readonly atRestart: readonly string[];
}

/** The names of what differs, never its values. */
export function findChanges(before: Config, after: Config): ConfigChanges {
  const [old, next] = [entriesOf(before), entriesOf(after)];
  const changed = [...new Set([...old.keys(), ...next.keys()])].filter(
    (name) => !isDeepStrictEqual(old.get(name), next.get(name)),
  );
  return { live: changed.filter((name) => LIVE.test(name)), atRestart: changed.filter((name) => !LIVE.test(name)) };
}

/** Two levels deep, since that is where the names of personas and servers stand. */
function entriesOf(config: Config): ReadonlyMap<string, unknown> {
  const { api_keys: keys, ...auth } = config.auth;
  const sections = { ...config, auth, 'auth.api_keys': Object.fromEntries(keys.map((key) => [key.id, key])) };
  return new Map(
    Object.entries(sections).flatMap(([section, value]) =>
      typeof value === 'object'
        ? Object.entries(value).map(([key, inner]): [string, unknown] => [`${section}.${key}`, comparable(inner)])
        : [[section, value] as [string, unknown]],
    ),
  );
}

/** Plain values, secrets among them: for comparison alone. */
function comparable(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparable(inner)]));
}
