import { readFile } from 'node:fs/promises';
import { createConfigError } from './problem.ts';

/** Where a secret is: as `secretSource` of store-section.ts has checked it, exactly one of the two. */
export interface SecretSource {
  readonly env?: string | undefined;
  readonly file?: string | undefined;
}

/** Reads it anew each time. `path` is where the source stands in the configuration; fails with CONFIG_INVALID. */
export async function readSecretSource(
  source: SecretSource,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
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
