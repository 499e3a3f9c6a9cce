import { readFile } from 'node:fs/promises';
import { createConfigError } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { Secret } from '../core/secret.ts';

type Headers = NonNullable<Config['audit']['otlp']>['headers'];
type Environment = Readonly<Record<string, string | undefined>>;

/** What a header may hold; `fetch` would name a value that it refuses. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** Reads the headers of `audit.otlp`; a file is read each time, since a token changes. Fails with CONFIG_INVALID. */
export async function readOtlpHeaders(headers: Headers, env: Environment): Promise<Record<string, string>> {
  const entries = Object.entries(headers).map(async ([name, source]): Promise<[string, string]> => {
    const path = `audit.otlp.headers.${name}`;
    const value = (await readValue(source, path, env)).trim();
    if (!VALUE.test(value)) throw problem(path, 'holds what no header may hold, such as a line break');
    return [name, value];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function readValue(source: Headers[string], path: string, env: Environment): Promise<string> {
  if (source instanceof Secret) return source.reveal();
  if (source.env !== undefined) {
    const value = env[source.env];
    if (value === undefined) throw problem(`${path}.env`, 'names an environment variable that is not set; set it');
    return value;
  }
  return readFile(source.file ?? '', 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw problem(`${path}.file`, `cannot be read: ${error.code ?? 'unknown reason'}`);
  });
}

function problem(path: string, message: string): Error {
  return createConfigError('the configuration', [{ path, message }]);
}
