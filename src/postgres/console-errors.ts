import { DatabaseError } from 'pg';
import { PlatformError } from '../core/errors.ts';
import { describeHost, isSystemError, redactSecrets, toCallerError } from './errors.ts';
import type { HostAddress } from './target.ts';

interface Meaning {
  readonly says: RegExp;
  readonly hint: string;
  /** Of PostgreSQL: before 1.20 PgBouncer gives 08P01 for whatever is wrong with a login. */
  readonly sqlstate?: string;
}

/** What PgBouncer, or what stands in its place, says to a login. */
const MEANINGS: readonly Meaning[] = [
  {
    says: /not allowed/,
    hint: 'Only users in stats_users or admin_users of pgbouncer.ini may use the console: add the login to stats_users and RELOAD.',
    sqlstate: '28000',
  },
  {
    says: /authentication failed|no such user/,
    hint: 'Correct the user or the password under `pgbouncer` of this server; PgBouncer knows both from its auth_file or auth_query.',
    sqlstate: '28P01',
  },
  {
    says: /database .* does not exist|no such database/,
    hint: 'What answers there is no PgBouncer: PostgreSQL itself has no database of the name pgbouncer. Check host and port.',
  },
  {
    says: /no pg_hba\.conf entry|login rejected|TLS|SSL/,
    hint: 'Let the login in: a line in the auth_hba_file of PgBouncer, or what its client_tls_sslmode asks for.',
    sqlstate: '28000',
  },
];

const LISTENS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check that PgBouncer runs, and its listen_addr and listen_port.',
  ENOENT: 'Check that PgBouncer runs, and its listen_port and unix_socket_dir.',
  ECONNRESET: 'Its log has the reason; it may be starting or shutting down, or want TLS (client_tls_sslmode).',
};

/** Of a command: PgBouncer gives 08P01 for one that it does not know, too, after which it can be asked for the next. */
export function toConsoleError(error: unknown): PlatformError {
  if (!(error instanceof DatabaseError) || error.severity === 'FATAL') return toCallerError(error);
  return new PlatformError('QUERY_FAILED', redactSecrets(error.message).slice(0, 500), {
    hint: 'This PgBouncer may be too old, or no PgBouncer.',
    details: { sqlstate: error.code },
    cause: error,
  });
}

/** A failure to connect, with what to do about it at PgBouncer in place of PostgreSQL. */
export function explainConsole(problem: PlatformError, cause: unknown): PlatformError {
  if (cause instanceof DatabaseError) {
    const meaning = MEANINGS.find(({ says }) => says.test(cause.message));
    const sqlstate = meaning?.sqlstate ?? cause.code;
    return unreachable(problem, meaning?.hint ?? 'The log of PgBouncer has the reason.', { sqlstate });
  }
  const hint = isSystemError(cause) ? LISTENS[cause.code ?? ''] : undefined;
  return hint === undefined ? problem : unreachable(problem, hint, problem.details);
}

export function noConsole(host: HostAddress, cause: unknown): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', `${describeHost(host)} is no admin console of PgBouncer.`, {
    hint: 'Name the address at which PgBouncer itself listens.',
    cause,
  });
}

function unreachable(
  { message, cause }: PlatformError,
  hint: string,
  details: Readonly<Record<string, unknown>> | undefined,
): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', message, { hint, details, cause });
}
