import type { ErrorCode } from '../contract/error-code.ts';

/** An answer to a request that does not become a call. It says nothing that a stranger should not know. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

const NEEDS_CREDENTIAL: Refusal = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'A valid credential is needed.',
  hint: 'Send the header Authorization: Bearer <API key>; `howdah key create` makes a key.',
};

/**
 * Every reason for which the edge refuses; the keys are the labels of the metric and stand in the audit log, which hides
 * the values of keys that name a secret.
 */
export const REFUSALS = {
  host: {
    status: 403,
    code: 'FORBIDDEN',
    message: 'Requests for this host are not served.',
    hint: 'An administrator can add it to http.allowed_hosts, or set http.public_url.',
  },
  origin: {
    status: 403,
    code: 'FORBIDDEN',
    message: 'Pages of this origin may not call.',
    hint: 'An administrator can add it to http.allowed_origins.',
  },
  too_many_requests: {
    status: 429,
    code: 'RATE_LIMITED',
    message: 'Your address has sent too many requests.',
    hint: 'Wait as long as Retry-After says, or raise http.requests_per_minute.',
  },
  not_found: { status: 404, code: 'NOT_FOUND', message: 'Nothing is here.', hint: 'MCP is served at /mcp.' },
  method: { status: 405, code: 'UNSUPPORTED', message: 'This method is not served here.' },
  unauthenticated: NEEDS_CREDENTIAL,
  unrecognized: NEEDS_CREDENTIAL,
  too_many_failures: {
    status: 429,
    code: 'RATE_LIMITED',
    message: 'Too many invalid credentials came from your address.',
    hint: 'Wait as long as Retry-After says; a valid credential is served at once.',
  },
  unavailable: {
    status: 503,
    code: 'UNAVAILABLE',
    message: 'Your credential cannot be checked now.',
    hint: 'Keep it, and try again when Retry-After says.',
  },
  content_type: {
    status: 415,
    code: 'INVALID_INPUT',
    message: 'The body must be JSON in UTF-8.',
    hint: 'Send Content-Type: application/json.',
  },
  content_encoding: {
    status: 415,
    code: 'INVALID_INPUT',
    message: 'An encoded body is not read.',
    hint: 'Leave out Content-Encoding.',
  },
  body_too_large: { status: 413, code: 'INVALID_INPUT', message: 'The body is too large.' },
  busy: { status: 503, code: 'UNAVAILABLE', message: 'Too much is being received.', hint: 'Try again in a moment.' },
  headers_too_large: { status: 431, code: 'INVALID_INPUT', message: 'The headers are too large.' },
  malformed: { status: 400, code: 'INVALID_INPUT', message: 'This is no HTTP request.' },
  too_slow: { status: 408, code: 'TIMEOUT', message: 'The request took too long to arrive.' },
  pipelined: { status: 429, code: 'RATE_LIMITED', message: 'Too many requests wait on this connection.' },
  protocol: { status: 400, code: 'INVALID_INPUT', message: 'This is no MCP request.' },
} as const satisfies Readonly<Record<string, Refusal>>;

export type RefusalReason = keyof typeof REFUSALS;
