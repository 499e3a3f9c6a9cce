import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../core/secret.ts';
import { parseConnectionString, readEnvironment, targetError } from './connection-parameters.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { readPasswordFile } from './password-file.ts';
import { readPassword, type PasswordSource } from './password-source.ts';
import { readService } from './service-file.ts';
import { readTlsSettings, type SslMode } from './tls-settings.ts';
import { chooseTls, type TlsChoice } from './tls.ts';

/** One address of a server; a `host` that starts with `/` is the directory of a Unix socket. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

export type TargetSessionAttrs = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';

/** Where and as whom to connect, as libpq would; passwords and keys are read again for every new connection. */
export interface ConnectionTarget {
  /** Tried in this order, unless `loadBalance`. Never empty. */
  readonly hosts: readonly HostAddress[];
  /** `load_balance_hosts=random`: the hosts are tried in a random order. */
  readonly loadBalance: boolean;
  readonly database: string;
  readonly user: string;
  readonly targetSessionAttrs: TargetSessionAttrs;
  /** For each host, as libpq's connect_timeout. */
  readonly connectTimeoutMs: number;
  /** undefined when none is configured. Fails with CONFIG_INVALID when a file or command gives none. */
  password(host: HostAddress): Promise<string | undefined>;
  /** Fails with CONFIG_INVALID when a certificate or key cannot be used. */
  tls(host: HostAddress): Promise<TlsChoice>;
  readonly pooling: 'session' | 'transaction';
  /** Nothing is prepared by name: a statement that we did not write could put another in its place. */
  readonly unnamed?: boolean;
}

/** What the configuration says of a server beside its URL; it beats the URL. */
export interface TargetOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of that of the URL, whose password is not meant for it then. */
  readonly user?: string | undefined;
  readonly password?: PasswordSource | undefined;
  readonly tls?: {
    readonly mode?: SslMode | undefined;
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
  readonly pooling?: 'session' | 'transaction';
  /** In place of PGDATABASE, and of the name of the user, where neither the URL nor its service names one. */
  readonly defaultDatabase?: string;
  /** Hears of a password file that is not used; once. */
  readonly warn?: (message: string) => void;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

/** Where builds of PostgreSQL make their sockets; a password file calls them `localhost`. */
const SOCKET_DIRECTORIES = ['/var/run/postgresql', '/tmp'];

/**
 * Reads a connection URI or keyword/value string, filled up from its service, then the environment, then libpq's
 * defaults (https://www.postgresql.org/docs/current/libpq-connect.html). Fails with CONFIG_INVALID; no error holds a
 * password. Where libpq would wait for ever, `connectTimeoutMs` is the default of five seconds.
 */
export function parseTarget(source: string, options: TargetOptions): ConnectionTarget {
  const home = options.env['HOME'] || homeDirectory();
  const held = new Secret(source);
  const resolve = () => resolveParameters(held.reveal(), options, home);
  const parameters = resolve();
  const get = (name: string) => parameters.get(name) || undefined;
  const ofUrl = get('user') ?? systemUser();
  const user = options.user ?? ofUrl;
  const database = get('dbname') ?? ofUrl;
  const hosts = readHosts(parameters);
  const tls = readTlsSettings(parameters, home, options.env['SSL_CERT_FILE']);
  const warn = once(options.warn ?? (() => undefined));
  const nameOf = ({ host, port }: HostAddress) =>
    hosts.find((known) => (known.address ?? known.host) === host && known.port === port)?.host ?? host;
  return {
    hosts: hosts.map(({ host, address, port }) => ({ host: address ?? host, port })),
    loadBalance: get('load_balance_hosts') === 'random',
    database,
    user,
    targetSessionAttrs: (get('target_session_attrs') ?? 'any') as TargetSessionAttrs,
    connectTimeoutMs: readTimeout(get('connect_timeout')),
    password: async (host) => {
      if (options.password !== undefined) return readPassword(options.password, options.env);
      const current = resolve(); // the service file may have changed
      const file = current.get('passfile') || join(home, '.pgpass');
      const known = SOCKET_DIRECTORIES.includes(host.host) ? 'localhost' : nameOf(host);
      const login = { host: known, port: host.port, database, user };
      const given = options.user === undefined ? current.get('password') : undefined;
      return given || readPasswordFile(file, login, warn);
    },
    tls: (host) => chooseTls(tls, nameOf(host)),
    pooling: options.pooling ?? 'session',
  };
}

/** `user@host:port/database` for messages and logs; holds no password. */
export function describeTarget(target: Pick<ConnectionTarget, 'hosts' | 'user' | 'database'>): string {
  const hosts = target.hosts.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
  return `${target.user}@${hosts.join(',')}/${target.database}`;
}

function resolveParameters(source: string, options: TargetOptions, home: string): ConnectionParameters {
  const { env, tls, defaultDatabase } = options;
  const explicit = new Map(parseConnectionString(source));
  const overrides = { sslmode: tls?.mode, sslrootcert: tls?.ca, sslcert: tls?.cert, sslkey: tls?.key };
  for (const [name, value] of Object.entries(overrides)) if (value !== undefined) explicit.set(name, value);
  const environment = new Map(readEnvironment(env));
  if (defaultDatabase !== undefined) environment.set('dbname', defaultDatabase);
  const service = explicit.get('service') || environment.get('service');
  if (!service) return new Map([...environment, ...explicit]);
  const named = explicit.get('servicefile') || environment.get('servicefile');
  const found = readService(service, { named, home, systemDirectory: env['PGSYSCONFDIR'] || undefined });
  return new Map([...environment, ...found, ...explicit]);
}

/** `host` proves who it is, `address` is connected to instead where hostaddr names it. */
function readHosts(parameters: ConnectionParameters): (HostAddress & { readonly address: string | undefined })[] {
  const list = (name: string) => parameters.get(name)?.split(',') ?? [];
  const [names, addresses, ports] = [list('host'), list('hostaddr'), list('port')];
  const count = Math.max(names.length, addresses.length, 1);
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length) {
    throw targetError(`There are ${names.length} hosts and ${addresses.length} in hostaddr.`, 'Name as many in each.');
  }
  if (ports.length > 1 && ports.length !== count) {
    throw targetError(`There are ${count} hosts and ${ports.length} ports.`, 'Name one port, or one for each host.');
  }
  return Array.from({ length: count }, (_, i) => {
    const port = readPort(ports[i] ?? ports[0]);
    const address = addresses[i] || undefined;
    return { host: names[i] || address || defaultHost(port), address, port };
  });
}

function readPort(text: string | undefined): number {
  if (!text) return 5432;
  const port = /^\s*\d{1,5}\s*$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw targetError('A port of the connection is not a number from 1 to 65535.', 'Write host:5432 or port=5432.');
}

function defaultHost(port: number): string {
  return SOCKET_DIRECTORIES.find((directory) => existsSync(join(directory, `.s.PGSQL.${port}`))) ?? 'localhost';
}

function readTimeout(text: string | undefined): number {
  if (text !== undefined && !/^\s*-?\d{1,6}\s*$/.test(text)) {
    throw targetError('connect_timeout is not a whole number of seconds.', 'Write connect_timeout=10.');
  }
  const seconds = Number(text ?? 0);
  return seconds > 0 ? seconds * 1000 : DEFAULT_CONNECT_TIMEOUT_MS;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw targetError(
      'No user is named to connect as.',
      'Name one: postgresql://user@host/database, or PGUSER.',
      error,
    );
  }
}

function homeDirectory(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}

function once(warn: (message: string) => void): (message: string) => void {
  let warned = false;
  return (message) => {
    if (!warned) warn(message);
    warned = true;
  };
}
