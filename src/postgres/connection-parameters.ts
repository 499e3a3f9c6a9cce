import { PlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';

/** Parameters of a connection by the names that libpq gives them; `__proto__` and its kind are no keys. */
export type ConnectionParameters = ReadonlyMap<string, string>;

/** The environment variable of a parameter, and what libpq allows as its value. */
interface Keyword {
  readonly env?: string;
  readonly values?: readonly string[];
  /** Values that we cannot honour; to go on without would be less safe than what was asked for. */
  readonly refused?: (value: string) => boolean;
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const SESSION_ATTRIBUTES = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'];
const ignored: Keyword = {};
const refused: Keyword = { refused: (value) => value !== '' };

/**
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS and libpq-envars.html. Those without
 * any effect here are settings of the session, which poolers drop, or of the socket.
 */
const KEYWORDS: Readonly<Record<string, Keyword>> = {
  service: { env: 'PGSERVICE' },
  servicefile: { env: 'PGSERVICEFILE' },
  host: { env: 'PGHOST' },
  hostaddr: { env: 'PGHOSTADDR' },
  port: { env: 'PGPORT' },
  dbname: { env: 'PGDATABASE' },
  user: { env: 'PGUSER' },
  password: { env: 'PGPASSWORD' },
  passfile: { env: 'PGPASSFILE' },
  connect_timeout: { env: 'PGCONNECT_TIMEOUT' },
  target_session_attrs: { env: 'PGTARGETSESSIONATTRS', values: SESSION_ATTRIBUTES },
  load_balance_hosts: { env: 'PGLOADBALANCEHOSTS', values: ['disable', 'random'] },
  sslmode: { env: 'PGSSLMODE', values: SSL_MODES },
  sslnegotiation: { env: 'PGSSLNEGOTIATION', values: ['postgres', 'direct'] },
  sslrootcert: { env: 'PGSSLROOTCERT' },
  sslcrl: { env: 'PGSSLCRL' },
  sslcert: { env: 'PGSSLCERT' },
  sslkey: { env: 'PGSSLKEY' },
  sslcertmode: {
    env: 'PGSSLCERTMODE',
    values: ['disable', 'allow', 'require'],
    refused: (value) => value === 'require',
  },
  sslsni: { env: 'PGSSLSNI', values: ['0', '1'] },
  ssl_min_protocol_version: { env: 'PGSSLMINPROTOCOLVERSION', values: TLS_VERSIONS },
  ssl_max_protocol_version: { env: 'PGSSLMAXPROTOCOLVERSION', values: TLS_VERSIONS },
  channel_binding: { env: 'PGCHANNELBINDING', values: ['disable', 'prefer', 'require'] },
  gssencmode: {
    env: 'PGGSSENCMODE',
    values: ['disable', 'prefer', 'require'],
    refused: (value) => value === 'require',
  },
  sslcrldir: { env: 'PGSSLCRLDIR', ...refused },
  require_auth: { env: 'PGREQUIREAUTH', ...refused },
  requirepeer: { env: 'PGREQUIREPEER', ...refused },
  replication: refused,
  sslpassword: refused,
  application_name: ignored,
  client_encoding: ignored,
  fallback_application_name: ignored,
  gssdelegation: ignored,
  gsslib: ignored,
  keepalives: ignored,
  keepalives_count: ignored,
  keepalives_idle: ignored,
  keepalives_interval: ignored,
  krbsrvname: ignored,
  max_protocol_version: ignored,
  min_protocol_version: ignored,
  options: ignored,
  sslcompression: ignored,
  sslkeylogfile: ignored,
  tcp_user_timeout: ignored,
};

/** What the environment says; an empty variable says nothing. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): ConnectionParameters {
  const parameters = new Map<string, string>();
  for (const [name, keyword] of Object.entries(KEYWORDS)) {
    const value = keyword.env === undefined ? undefined : env[keyword.env];
    if (value) parameters.set(name, checkParameter(name, value, keyword.env));
  }
  return parameters;
}

/**
 * Reads a connection URI or a keyword/value string as libpq does. Errors name parameters, never what they were set to
 * where that may be, or may have been meant as, a part of a password.
 */
export function parseConnectionString(text: string): ConnectionParameters {
  if (text.trim() === '') return new Map();
  if (/^postgres(ql)?:\/\//.test(text)) return parseUri(text.slice(text.indexOf('//') + 2));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw targetError(
      'The connection string is not a URL of PostgreSQL.',
      'Write postgresql://user@host:5432/database.',
    );
  }
  return parseKeywordValue(text);
}

/** Gives the value back when the parameter exists and may have it; `place` is named in place of the parameter. */
export function checkParameter(name: string, value: string, place = name): string {
  const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
  if (keyword === undefined) {
    const meant = nearest(name, Object.keys(KEYWORDS));
    throw targetError(
      `There is no connection parameter "${name.slice(0, 60)}".`,
      meant === undefined ? 'Parameters are those of libpq.' : `Did you mean ${meant}?`,
    );
  }
  if (value.includes('\0')) throw targetError(`The connection parameter ${place} holds a zero byte.`);
  if (keyword.values?.includes(value) === false) {
    throw targetError(`The connection parameter ${place} has an unknown value.`, `Use ${keyword.values.join(', ')}.`);
  }
  if (keyword.refused?.(value)) {
    throw targetError(
      `The connection parameter ${place} is set to what Howdah cannot do.`,
      `Leave ${place} out, and let sslmode=verify-full prove the server.`,
    );
  }
  return value;
}

export function targetError(message: string, hint?: string, cause?: unknown): PlatformError {
  return new PlatformError('CONFIG_INVALID', message, { hint, cause });
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS, after the scheme. */
function parseUri(text: string): ConnectionParameters {
  const parameters = new Map<string, string>();
  const set = (name: string, value: string) => {
    if (value !== '') parameters.set(name, checkParameter(name, value));
  };
  const credentials = /^([^@/:]*)(?::([^@/]*))?@/.exec(text);
  const rest = text.slice(credentials?.[0].length ?? 0);
  const [, hosts = '', path = '', query] = /^([^/?]*)(?:\/([^?]*))?(?:\?([\s\S]*))?$/.exec(rest) ?? [];
  if (`${hosts}${path}`.includes('@')) {
    throw targetError(
      'The connection URL has an @ that ends no user name.',
      'In a user name or password write %40 for @, %2F for /, %3A for :, %3F for ? and %25 for %.',
    );
  }
  set('user', decode(credentials?.[1] ?? ''));
  set('password', decode(credentials?.[2] ?? ''));
  const addresses = hosts.split(',').map(splitAddress);
  set(
    'host',
    addresses
      .map(({ host }) => decode(host))
      .join(',')
      .replace(/^,+$/, ''),
  );
  set(
    'port',
    addresses
      .map(({ port }) => decode(port))
      .join(',')
      .replace(/^,+$/, ''),
  );
  set('dbname', decode(path));
  for (const [name, value] of splitQuery(query)) parameters.set(name, checkParameter(name, value));
  return parameters;
}

function splitAddress(address: string): { host: string; port: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(.*))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined) return { host, port: port ?? '' };
  throw targetError('A host of the connection URL cannot be read.', 'Write host:port, and [::1]:5432 for IPv6.');
}

function splitQuery(query: string | undefined): (readonly [name: string, value: string])[] {
  if (query === undefined || query === '') return [];
  return query.split('&').map((pair) => {
    const [name = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0) {
      throw targetError('After ? the connection URL needs name=value, joined by &.', 'Write %3D for = and %26 for &.');
    }
    // as libpq has it, for the sake of JDBC
    return name === 'ssl' && value === 'true' ? ['sslmode', 'require'] : [decode(name), decode(value)];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw targetError('The connection URL has a % that encodes no character.', 'Write %25 for %.');
  }
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function parseKeywordValue(text: string): ConnectionParameters {
  const parameters = new Map<string, string>();
  const pair = /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'|((?!')(?:[^\s\\]|\\[\s\S])*))(?=\s|$)\s*/y;
  let last = '';
  while (pair.lastIndex < text.length) {
    const [, name, quoted, plain] = pair.exec(text) ?? [];
    if (name === undefined || (last === 'password' && !Object.hasOwn(KEYWORDS, name))) {
      throw targetError(
        `The connection string cannot be read${last === '' ? '' : ` after the value of ${last}`}.`,
        "Write name=value, separated by spaces; a value with spaces goes in 'single quotes', with \\' for a quote.",
      );
    }
    const value = (quoted ?? plain ?? '').replaceAll(/\\([\s\S])/g, '$1');
    parameters.set(name, checkParameter(name, value));
    last = name;
  }
  return parameters;
}
