import { DatabaseError } from 'pg';
import { PlatformError } from '../core/errors.ts';
import { TlsFailure } from './dial.ts';
import { describeHost, isSystemError, redactSecrets, toCallerError } from './errors.ts';
import type { HostAddress } from './target.ts';

/** One attempt at one host of a target. */
export interface Attempt {
  readonly host: HostAddress;
  readonly user: string;
  readonly timeoutMs: number;
}

interface Words {
  readonly problem: string;
  readonly hint: string;
}

const SOCKET_PROBLEMS: Readonly<Record<string, Words>> = {
  ECONNREFUSED: {
    problem: 'refuses connections: nothing listens there',
    hint: 'Check that PostgreSQL runs, and its port and listen_addresses.',
  },
  ENOENT: { problem: 'does not exist', hint: 'Check that PostgreSQL runs, and its port and unix_socket_directories.' },
  EACCES: {
    problem: 'may not be used by this process',
    hint: 'Check the rights on the directory and unix_socket_permissions.',
  },
  ENOTFOUND: { problem: 'has a host name that does not exist', hint: 'Check the spelling of the host name.' },
  EAI_AGAIN: { problem: 'has a host name that cannot be resolved now', hint: 'Check the name server of this machine.' },
  EHOSTUNREACH: { problem: 'cannot be reached over the network', hint: 'Check routes and firewalls.' },
  ENETUNREACH: { problem: 'cannot be reached over the network', hint: 'Check routes and firewalls.' },
  ETIMEDOUT: { problem: 'does not answer', hint: 'Check address, routes and firewalls.' },
  ECONNRESET: {
    problem: 'closed the connection before it was ready',
    hint: 'Its log has the reason; it may be starting, out of memory, or want TLS from the start (sslnegotiation=direct).',
  },
};

const UNTRUSTED: Words = {
  problem: 'has a certificate that no trusted authority has signed',
  hint: 'Name the certificate of its authority as sslrootcert, or `tls.ca` in the configuration.',
};

/** By Node's code of a failed handshake; https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const TLS_PROBLEMS: Readonly<Record<string, Words>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: { problem: 'has a certificate that has expired', hint: 'Renew the certificate of the server.' },
  CERT_NOT_YET_VALID: { problem: 'has a certificate that is not valid yet', hint: 'Compare the clocks.' },
  CERT_REVOKED: { problem: 'has a certificate that was revoked', hint: 'Give the server a new certificate.' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    problem: 'has a certificate for other host names',
    hint: 'Connect by a name that the certificate holds; sslmode=verify-ca does not compare names.',
  },
};

const TLS_HINT = 'Check ssl and the certificates on the server, and the client certificate if it wants one.';

/** How PostgreSQL's refusal of a login reads, by the beginning of its SQLSTATE; its own words follow. */
const REFUSALS: readonly (readonly [sqlstate: string, problem: string])[] = [
  ['28', 'refuses the login'],
  ['3D', 'has no such database'],
  ['53', 'has no room for a connection'],
  ['57P03', 'is not ready'],
  ['', 'refuses the connection'],
];

/** Says in plain words which host could not be used, why, and what to do; never holds the password. */
export function toConnectError(error: unknown, attempt: Attempt): PlatformError {
  const at = describeHost(attempt.host);
  if (error instanceof DatabaseError) return refused(at, error);
  if (error instanceof PlatformError)
    return error.code === 'QUERY_FAILED' ? unreachable(at, NOT_POSTGRES, error) : error;
  if (error instanceof TlsFailure) return tlsFailed(at, error);
  if (isTimeout(error)) return unreachable(at, timedOut(attempt.timeoutMs), error);
  if (!isSystemError(error)) return unreachable(at, loginFailed(error), error);
  const words = SOCKET_PROBLEMS[error.code ?? ''];
  return unreachable(
    at,
    words ?? { problem: `cannot be reached: ${error.code}`, hint: 'Check address and network.' },
    error,
  );
}

const NOT_POSTGRES: Words = {
  problem: "does not speak PostgreSQL's protocol",
  hint: 'Check the port: something else may listen there.',
};

function timedOut(timeoutMs: number): Words {
  return {
    problem: `did not answer within ${timeoutMs} ms`,
    hint: 'Check address, routes and firewalls, and whether the server hangs.',
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function unreachable(at: string, { problem, hint }: Words, cause: unknown): PlatformError {
  return new PlatformError('SERVER_UNREACHABLE', `${at} ${problem}.`, { hint, cause });
}

function refused(at: string, error: DatabaseError): PlatformError {
  const { code, message, hint, details } = toCallerError(error);
  const [, problem] = REFUSALS.find(([start]) => error.code?.startsWith(start)) ?? ['', 'refuses the connection'];
  const privilege = error.code === '42501' ? 'GRANT CONNECT on the database to the login.' : undefined;
  return new PlatformError(code === 'QUERY_FAILED' ? 'SERVER_UNREACHABLE' : code, `${at} ${problem}: ${message}.`, {
    hint: privilege ?? hint,
    details,
    cause: error,
  });
}

function tlsFailed(at: string, error: TlsFailure): PlatformError {
  if (error.cause === undefined) {
    const hint = 'Set ssl = on at the server; sslmode=prefer would connect without encryption.';
    return unreachable(at, { problem: `cannot be spoken to encrypted: ${error.message}`, hint }, error);
  }
  const code = isSystemError(error.cause) ? error.cause.code : undefined;
  const words = TLS_PROBLEMS[code ?? ''] ?? {
    problem: `failed the TLS handshake (${code ?? 'unknown'})`,
    hint: TLS_HINT,
  };
  return unreachable(at, words, error);
}

/** What `pg` itself says: a way of authentication that it lacks, or a server that does not know the password either. */
function loginFailed(error: unknown): Words {
  const message = error instanceof Error ? redactSecrets(error.message) : 'unknown';
  return {
    problem: `could not be logged in to: ${message}`,
    hint: 'Passwords (SCRAM, MD5, clear text) and client certificates are supported; see pg_hba.conf.',
  };
}
