import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createConfigError } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { readSecretSource, type SecretSource } from '../config/secret-source.ts';
import { syncDirectory } from '../core/sync-directory.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';

interface KeyPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a key is made when the configuration names none; undefined where it has to name one. */
  readonly generated: string | undefined;
}

/** A text of fewer characters than this cannot hold 32 bytes in base64url. */
const SHORTEST = 43;

/** The keys of the configuration, or one that is made where it names none. Fails with CONFIG_INVALID. */
export async function openKeyRing(secrets: Config['secrets'], place: KeyPlace): Promise<KeyRing> {
  const { newest, older } = await readKeys(secrets, place.env);
  return createKeyRing([newest ?? (await generatedKey(place.generated)), ...older]);
}

/** Reads what the configuration names, and makes nothing. Fails with CONFIG_INVALID. */
export async function readKeys(
  { key, previous }: Config['secrets'],
  env: KeyPlace['env'],
): Promise<{ readonly newest: Buffer | undefined; readonly older: readonly Buffer[] }> {
  const newest = key && (await read(key, 'secrets.key', env));
  const older = await Promise.all(previous.map((source, i) => read(source, `secrets.previous[${i}]`, env)));
  return { newest, older };
}

async function read(source: SecretSource, path: string, env: KeyPlace['env']): Promise<Buffer> {
  return keyIn(await readSecretSource(source, path, env), path);
}

function keyIn(content: string, path: string): Buffer {
  const text = content.trim();
  if (text.length < SHORTEST) {
    throw problem(path, `is shorter than ${SHORTEST} characters; make one with \`openssl rand -base64 48\``);
  }
  return Buffer.from(text);
}

/** Made once, whoever starts first, for its owner alone. */
async function generatedKey(file: string | undefined): Promise<Buffer> {
  if (file === undefined) {
    throw problem('secrets.key', 'is missing, and store.url needs one; make it with `openssl rand -base64 48`');
  }
  const found = await readFile(file, 'utf8').catch(() => undefined);
  if (found !== undefined) return requirePrivate(file, found);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(partial, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flush: true });
    await link(partial, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await syncDirectory(dirname(file));
  } finally {
    await rm(partial, { force: true });
  }
  return requirePrivate(file, await readFile(file, 'utf8'));
}

async function requirePrivate(file: string, content: string): Promise<Buffer> {
  if (((await stat(file)).mode & 0o077) !== 0) {
    throw problem('secrets.key', `stands in ${file}, which other users may read; run chmod 600`);
  }
  return keyIn(content, `secrets.key (${file})`);
}

function problem(path: string, message: string): Error {
  return createConfigError('the configuration', [{ path, message }]);
}
