/** A configuration file, and what loading it comes to. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { loadConfig, type LoadedConfig } from '../src/config/load.ts';
import type { Environment } from '../src/config/substitution.ts';
import { PlatformError } from '../src/core/errors.ts';

export interface ConfigFile {
  /** Gives its path. */
  readonly write: (text: string | Uint8Array, mode?: number) => Promise<string>;
  /** Of another file beside it. */
  readonly pathOf: (name: string) => string;
  readonly load: (text: string | Uint8Array, env?: Environment) => Promise<LoadedConfig>;
}

/** Each text takes the place of the one before, in a directory that is removed after the tests. */
export function useConfigFile(): ConfigFile {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'howdah-config-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function write(text: string | Uint8Array, mode = 0o600): Promise<string> {
    const path = join(directory, 'howdah.yaml');
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  }
  return {
    write,
    pathOf: (name) => join(directory, name),
    load: async (text, env = {}) => loadConfig({ path: await write(text), env }),
  };
}

/** What it was refused with; fails when it was not. */
export async function failure(loading: Promise<unknown>): Promise<PlatformError> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PlatformError) return error;
  throw new Error('the configuration was accepted', { cause: error });
}
