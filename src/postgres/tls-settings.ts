import { join } from 'node:path';
import { targetError, type ConnectionParameters } from './connection-parameters.ts';

/** libpq's sslmode. */
export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** What the parameters say of TLS, checked as far as it can be without reading a file. */
export interface TlsSettings {
  readonly mode: SslMode;
  readonly negotiation: 'postgres' | 'direct';
  readonly serverName: boolean;
  /** undefined: libpq's default file, if it is there. `system`: the authorities that the system trusts. */
  readonly rootCert: string | undefined;
  readonly crl: string | undefined;
  /** false: none is shown to the server. */
  readonly cert: string | undefined | false;
  readonly key: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Holds the default files: `~/.postgresql`. */
  readonly directory: string;
  /** Of the bundle of the system's authorities. */
  readonly systemBundles: readonly (string | undefined)[];
}

/** Debian, Red Hat, Alpine and macOS, SUSE. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

/**
 * What the parameters say of TLS (https://www.postgresql.org/docs/current/libpq-ssl.html). Fails with CONFIG_INVALID on
 * combinations that libpq refuses.
 */
export function readTlsSettings(
  parameters: ConnectionParameters,
  home: string,
  opensslBundle: string | undefined,
): TlsSettings {
  const get = (name: string) => parameters.get(name) || undefined;
  const rootCert = get('sslrootcert');
  const mode = (get('sslmode') ?? (rootCert === 'system' ? 'verify-full' : 'prefer')) as SslMode;
  assertStrongEnough(mode, parameters);
  const minVersion = get('ssl_min_protocol_version') === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2';
  return {
    mode,
    negotiation: get('sslnegotiation') === 'direct' ? 'direct' : 'postgres',
    serverName: get('sslsni') !== '0',
    rootCert,
    crl: get('sslcrl'),
    cert: get('sslcertmode') === 'disable' ? false : get('sslcert'),
    key: get('sslkey'),
    minVersion,
    maxVersion: readMaxVersion(get('ssl_max_protocol_version'), minVersion),
    directory: join(home, '.postgresql'),
    systemBundles: [opensslBundle, ...SYSTEM_BUNDLES],
  };
}

function assertStrongEnough(mode: SslMode, parameters: ConnectionParameters): void {
  if (parameters.get('sslrootcert') === 'system' && mode !== 'verify-full') {
    throw targetError(`sslmode ${mode} is too weak for sslrootcert=system.`, 'Use sslmode=verify-full.');
  }
  if (parameters.get('sslnegotiation') === 'direct' && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw targetError(`sslmode ${mode} is too weak for sslnegotiation=direct.`, 'Use sslmode=verify-full or require.');
  }
  if (parameters.get('channel_binding') === 'require' && mode !== 'verify-full') {
    throw targetError(
      'channel_binding=require needs sslmode=verify-full, which proves the server just as well.',
      'Use sslmode=verify-full, with sslrootcert=system where a public authority signed its certificate.',
    );
  }
}

function readMaxVersion(text: string | undefined, minVersion: TlsSettings['minVersion']): TlsSettings['maxVersion'] {
  if (!text || text === 'TLSv1.3') return 'TLSv1.3';
  if (text === 'TLSv1.2' && minVersion === 'TLSv1.2') return 'TLSv1.2';
  throw targetError('ssl_max_protocol_version leaves no version of TLS.', 'Howdah speaks TLS 1.2 and 1.3.');
}
