import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import { checkServerIdentity, createSecureContext, type ConnectionOptions, type SecureContextOptions } from 'node:tls';
import { targetError } from './connection-parameters.ts';
import type { SslMode, TlsSettings } from './tls-settings.ts';

export type { SslMode };

/** How one connection is encrypted and whom it trusts; `options` are ready for `tls.connect`. */
export interface TlsChoice {
  /** As libpq acts on it: `require` with a root certificate is `verify-ca` already. */
  readonly mode: SslMode;
  /** `direct` starts TLS at once (PostgreSQL 17), `postgres` asks with an SSLRequest first. */
  readonly negotiation: 'postgres' | 'direct';
  readonly options: ConnectionOptions;
}

/** Reads the certificates and the key, anew at each call. Fails with CONFIG_INVALID when one cannot be used. */
export async function chooseTls(settings: TlsSettings, host: string): Promise<TlsChoice> {
  const { negotiation } = settings;
  if (settings.mode === 'disable' || host.startsWith('/')) return { mode: 'disable', negotiation, options: {} };
  const trusted = await readTrusted(settings);
  const mode = settings.mode === 'require' && trusted !== undefined ? 'verify-ca' : settings.mode;
  const secureContext = createContext({
    ...(trusted?.certificates !== undefined && { ca: trusted.certificates }),
    ...(trusted !== undefined && (await readRevoked(settings))),
    ...(await readClientCertificate(settings)),
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
  });
  const options: ConnectionOptions = {
    secureContext,
    host,
    servername: settings.serverName && isIP(host) === 0 ? host : '',
    rejectUnauthorized: trusted !== undefined,
    checkServerIdentity: (_, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
  };
  return { mode, negotiation, options };
}

function createContext(options: SecureContextOptions) {
  try {
    return createSecureContext(options);
  } catch (error) {
    throw targetError(
      'The certificates or the key of the connection cannot be used together.',
      'sslrootcert, sslcert and sslkey must be PEM files, and the key the one of the certificate.',
      error,
    );
  }
}

/** undefined: whoever answers is trusted. Without `certificates` it is those that came with Node.js. */
async function readTrusted(settings: TlsSettings): Promise<{ certificates: Buffer | undefined } | undefined> {
  const { rootCert, mode, directory, systemBundles } = settings;
  if (rootCert === 'system') {
    const bundle = systemBundles.find((file) => file !== undefined && existsSync(file));
    return { certificates: bundle === undefined ? undefined : await readPem(bundle, 'sslrootcert') };
  }
  const file = rootCert ?? join(directory, 'root.crt');
  if (rootCert === undefined && !(await isThere(file))) {
    if (!mode.startsWith('verify')) return undefined;
    throw targetError(
      `sslmode ${mode} needs a root certificate, and there is no ${file}.`,
      'Name the file with sslrootcert, or use sslrootcert=system for the authorities that the system trusts.',
    );
  }
  return { certificates: await readPem(file, 'sslrootcert') };
}

async function readRevoked({ crl, directory }: TlsSettings): Promise<{ crl: Buffer } | undefined> {
  const file = crl ?? join(directory, 'root.crl');
  if (crl === undefined && !(await isThere(file))) return undefined;
  return { crl: await readPem(file, 'sslcrl') };
}

async function readClientCertificate(settings: TlsSettings): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  const { cert, directory } = settings;
  if (cert === false) return undefined;
  const certFile = cert ?? join(directory, 'postgresql.crt');
  if (cert === undefined && !(await isThere(certFile))) return undefined;
  const keyFile = settings.key ?? join(directory, 'postgresql.key');
  const key = await readPem(keyFile, 'sslkey');
  await assertPrivate(keyFile);
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key.toString('latin1'))) {
    throw targetError(`The key ${keyFile} is encrypted.`, `Decrypt it: openssl pkey -in ${keyFile} -out client.key`);
  }
  return { cert: await readPem(certFile, 'sslcert'), key };
}

/** libpq's rule: u=rw for our own file, u=rw,g=r for root's. */
async function assertPrivate(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode, uid } = await stat(file);
  const forbidden = uid === 0 && geteuid?.() !== 0 ? 0o027 : 0o077;
  if ((mode & forbidden) === 0) return;
  throw targetError(`The key ${file} can be read by others.`, `Make it private: chmod 600 ${file}`);
}

async function readPem(file: string, parameter: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw targetError(
      `The file ${file} of ${parameter} cannot be read.`,
      'See that it exists and is ours to read.',
      error,
    );
  }
}

/** A directory that we may not look into is as good as empty. */
async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
