import { DatabaseError } from 'pg';
import type { ErrorCode } from '../contract/error-code.ts';
import { PlatformError } from '../core/errors.ts';
import { isSocketDirectory } from './dial.ts';
import type { HostAddress } from './target.ts';

/** What a failure of a statement or a login means for the caller, by the beginning of its SQLSTATE; the first match counts. */
const BY_SQLSTATE: readonly {
  readonly sqlstate: readonly string[];
  readonly code: ErrorCode;
  readonly hint?: string;
  /** Said instead of PostgreSQL's words, which may quote data. */
  readonly message?: string;
}[] = [
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  { sqlstate: ['3D000'], code: 'NOT_FOUND', hint: 'Name a database that the server has and that may be reached.' },
  {
    sqlstate: ['53300'],
    code: 'SERVER_UNREACHABLE',
    hint: 'All connection slots are taken: end idle sessions, or raise max_connections or the CONNECTION LIMIT of the role or database. A role with pg_use_reserved_connections (PostgreSQL 16) still gets in.',
  },
  {
    sqlstate: ['28P01'],
    code: 'SERVER_UNREACHABLE',
    hint: 'Correct the password in the configuration of this server; ALTER ROLE … PASSWORD sets a new one.',
  },
  {
    sqlstate: ['28'],
    code: 'SERVER_UNREACHABLE',
    hint: 'Let the login in: a line in pg_hba.conf for this address, user and database, and LOGIN for the role.',
  },
  {
    sqlstate: ['57P03'],
    code: 'SERVER_UNREACHABLE',
    hint: 'The server is starting, stopping or recovering: try again soon.',
  },
  {
    sqlstate: ['08', '57P01', '57P02', '57P05'],
    code: 'SERVER_UNREACHABLE',
    hint: "The session was ended from the server's side, as by a restart: try again.",
  },
  {
    sqlstate: ['42501'],
    code: 'QUERY_FAILED',
    hint: 'The login lacks a right. For statistics: GRANT pg_monitor TO it; for data: GRANT USAGE on the schema and SELECT on the table.',
  },
  {
    sqlstate: ['55P03'],
    code: 'QUERY_FAILED',
    hint: 'Another session holds a conflicting lock, as ALTER TABLE and VACUUM FULL do: find it in pg_locks, or try again later.',
  },
  {
    sqlstate: ['57014'],
    code: 'QUERY_FAILED',
    message: 'The statement was cancelled on the server, by someone else or by a time limit of its own.',
    hint: 'Somebody may have called pg_cancel_backend() on it; ask before trying again.',
  },
  { sqlstate: ['25P04', '25P03'], code: 'TIMEOUT', hint: 'Ask for less at once.' },
  {
    sqlstate: ['42P05', '26000'],
    code: 'QUERY_FAILED',
    hint: 'The server seems to be behind a pooler in transaction mode: set `pooling: transaction` for it.',
  },
  {
    sqlstate: ['22021', '22P05'],
    code: 'QUERY_FAILED',
    message: 'A name or text in the database cannot be had in UTF-8.',
    hint: 'Where the encoding of a database is SQL_ASCII, anything may be stored: ask for less so that it is left out, ask by way of another database, or rename it.',
  },
  { sqlstate: ['25006'], code: 'QUERY_FAILED', hint: 'Every transaction here is read-only; nothing can be changed.' },
  {
    sqlstate: ['40001', '40P01'],
    code: 'QUERY_FAILED',
    hint: 'Another transaction was in the way, or on a standby the replay of changes: try again.',
  },
  {
    sqlstate: ['P0'],
    code: 'QUERY_FAILED',
    message: "A function of the database raised an exception; its text is in the server's log.",
  },
  {
    sqlstate: ['53', '54'],
    code: 'QUERY_FAILED',
    hint: 'The statement needs more than the server has: ask for less at once.',
  },
  { sqlstate: [''], code: 'QUERY_FAILED' },
];

/** Data exceptions quote the value at fault, in the quotes of the server's language. */
const DATA_EXCEPTION = '22';
const QUOTED = /["«»„“”‟'`「『].*["«»„“”‟'`」』]/s;
const MAX_MESSAGE_LENGTH = 500;

/**
 * What a caller may learn of a failure of the server or of the connection to it. PostgreSQL's message leaves without
 * values and secrets; its DETAIL, CONTEXT and QUERY, which quote data, never leave.
 */
export function toCallerError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof DatabaseError) return fromServer(error);
  if (isSystemError(error)) {
    return new PlatformError('SERVER_UNREACHABLE', 'The connection to the server broke.', {
      hint: LOST_HINT,
      cause: error,
    });
  }
  return new PlatformError('INTERNAL', 'Something went wrong between Howdah and PostgreSQL.', { cause: error });
}

const LOST_HINT = 'The server may have been restarted, or the network failed: try again.';

export function connectionLost(host: HostAddress): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', `The connection to ${describeHost(host)} was lost.`, {
    hint: LOST_HINT,
  });
}

function fromServer(error: DatabaseError): PlatformError {
  const sqlstate = error.code ?? 'XX000';
  const rule = BY_SQLSTATE.find((entry) => entry.sqlstate.some((start) => sqlstate.startsWith(start)));
  return new PlatformError(rule?.code ?? 'QUERY_FAILED', rule?.message ?? safeMessage(error.message, sqlstate), {
    hint: rule?.hint ?? serverHint(error),
    details: { sqlstate },
    cause: error,
  });
}

/** Of the class that is about names and syntax: "Perhaps you meant to reference the column …". */
function serverHint({ code, hint }: DatabaseError): string | undefined {
  return code?.startsWith('42') === true && hint !== undefined ? safeMessage(hint, code) : undefined;
}

function safeMessage(message: string, sqlstate: string): string {
  const withoutValues = sqlstate.startsWith(DATA_EXCEPTION) ? message.replace(QUOTED, '"…"') : message;
  const safe = redactSecrets(withoutValues);
  return safe.length > MAX_MESSAGE_LENGTH ? `${safe.slice(0, MAX_MESSAGE_LENGTH)}…` : safe;
}

/** Passwords in connection URIs, in connection strings and in statements. */
export function redactSecrets(text: string): string {
  return text
    .replaceAll(/(\w:\/\/[^\s:/@]*:)[^\s/]*@/g, '$1[redacted]@')
    .replaceAll(/\b(\w*(?:password|passphrase|secret)\s*=\s*)('(?:[^'\\]|\\.|'')*'?|[^\s'"]+)/gi, '$1[redacted]')
    .replaceAll(/\b(password\s+)'(?:[^']|'')*'?/gi, '$1[redacted]');
}

/** `host:port`, or the path of the socket. */
export function describeHost({ host, port }: HostAddress): string {
  if (isSocketDirectory(host)) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';
}
