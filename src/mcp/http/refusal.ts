import { PARSE_ERROR, ProtocolErrorCode, type ProtocolEra } from '@modelcontextprotocol/server';
import { MODERN_VERSIONS } from '../protocol-versions.ts';

/** HeaderMismatch of 2026-07-28, which the SDK does not export. */
const HEADER_MISMATCH = -32020;
/** What the SDK answers where the protocol names no code. */
const UNSPECIFIED = -32000;

/** An answer to a message that does not become a call. Repeats nothing of the message but the version it names. */
export interface HttpRefusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Short and fixed, for counting. */
  readonly reason: string;
}

export function unreadable(code: number, message: string): HttpRefusal {
  return { status: 400, code, message, reason: code === PARSE_ERROR ? 'not JSON' : 'not JSON-RPC' };
}

export function headerMismatch(header: string): HttpRefusal {
  return {
    status: 400,
    code: HEADER_MISMATCH,
    message: `The header ${header} is missing, cannot be read, or differs from the body.`,
    reason: 'header mismatch',
  };
}

export function invalidEnvelope(problem: string): HttpRefusal {
  return {
    status: 400,
    code: ProtocolErrorCode.InvalidParams,
    message: `Invalid _meta: ${problem}.`,
    reason: 'invalid envelope',
  };
}

export function unsupportedVersion(requested: string): HttpRefusal {
  return {
    status: 400,
    code: ProtocolErrorCode.UnsupportedProtocolVersion,
    message: 'Unsupported protocol version.',
    data: { supported: MODERN_VERSIONS, requested: requested.slice(0, 100) },
    reason: 'unsupported protocol version',
  };
}

export function unsupportedLegacyVersion(supported: readonly string[]): HttpRefusal {
  return {
    status: 400,
    code: UNSPECIFIED,
    message: `Unsupported protocol version (supported versions: ${supported.join(', ')}).`,
    reason: 'unsupported protocol version',
  };
}

export const NOT_ACCEPTABLE: HttpRefusal = {
  status: 406,
  code: UNSPECIFIED,
  message: 'The client must accept both application/json and text/event-stream.',
  reason: 'not acceptable',
};

/** Only the modern era says it with the status, too. */
export function methodNotFound(era: ProtocolEra): HttpRefusal {
  const status = era === 'modern' ? 404 : 200;
  return { status, code: ProtocolErrorCode.MethodNotFound, message: 'Method not found', reason: 'unknown method' };
}

export const INVALID_HANDSHAKE: HttpRefusal = {
  status: 200,
  code: ProtocolErrorCode.InvalidParams,
  message: 'Invalid parameters of initialize.',
  reason: 'invalid parameters',
};

/** The code is HTTP's, as that of every error of the platform. */
export const TOO_MANY_SUBSCRIPTIONS: HttpRefusal = {
  status: 200,
  code: 429,
  message: 'Too many subscriptions are open.',
  data: { code: 'RATE_LIMITED', hint: 'Close one, or ask for several lists in one subscription.' },
  reason: 'too many subscriptions',
};
