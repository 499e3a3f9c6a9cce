import { createConfigError } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { readSecretSource } from '../config/secret-source.ts';
import { Secret } from '../core/secret.ts';

type Headers = NonNullable<Config['audit']['otlp']>['headers'];
type Environment = Readonly<Record<string, string | undefined>>;

/** What a header may hold; `fetch` would name a value that it refuses. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** Reads the headers of `audit.otlp`; a file is read each time, since a token changes. Fails with CONFIG_INVALID. */
export async function readOtlpHeaders(headers: Headers, env: Environment): Promise<Record<string, string>> {
  const entries = Object.entries(headers).map(async ([name, source]): Promise<[string, string]> => {
    const path = `audit.otlp.headers.${name}`;
    const text = source instanceof Secret ? source.reveal() : await readSecretSource(source, path, env);
    const value = text.trim();
    if (VALUE.test(value)) return [name, value];
    const message = 'holds what no header may hold, such as a line break';
    throw createConfigError('the configuration', [{ path, message }]);
  });
  return Object.fromEntries(await Promise.all(entries));
}
