import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { PlatformError } from '../core/errors.ts';

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads the certificate and key of the listener. Fails with CONFIG_INVALID, also when others may read the key. */
export async function readTlsFiles(paths: { readonly cert: string; readonly key: string }): Promise<TlsFiles> {
  await requirePrivate(paths.key);
  const cert = await read('http.tls.cert', paths.cert);
  const key = await read('http.tls.key', paths.key);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new PlatformError('CONFIG_INVALID', 'http.tls: the certificate and the key cannot be used together.', {
      hint: 'Both are PEM; cert holds the certificate first, then its chain, and key its key without a passphrase.',
      cause: error,
    });
  }
  return { cert, key };
}

function read(key: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => fail(key, path, error));
}

/** As PostgreSQL has it for its own key (https://www.postgresql.org/docs/current/ssl-tcp.html): 0600, or 0640 if root owns it. */
async function requirePrivate(path: string): Promise<void> {
  const { mode, uid } = await stat(path).catch((error: unknown) => fail('http.tls.key', path, error));
  const tooMany = uid === 0 ? 0o037 : 0o077;
  if (process.platform === 'win32' || (mode & tooMany) === 0) return;
  throw new PlatformError('CONFIG_INVALID', `http.tls.key: others may read ${path}.`, {
    hint: `Run chmod 600 ${path}; 640 is enough if root owns it.`,
    details: { mode: (mode & 0o777).toString(8).padStart(4, '0') },
  });
}

function fail(key: string, path: string, error: unknown): never {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  throw new PlatformError('CONFIG_INVALID', `${key}: ${path} ${isMissing ? 'does not exist' : 'cannot be read'}.`, {
    hint: 'Give the path of a PEM file that the user who runs Howdah can read.',
    cause: error,
  });
}
