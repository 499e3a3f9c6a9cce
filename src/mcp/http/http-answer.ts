import {
  ProtocolError,
  ProtocolErrorCode,
  SERVER_INFO_META_KEY,
  type RequestId,
  type Result,
} from '@modelcontextprotocol/server';
import type { Identity } from '../identity.ts';
import type { HttpRefusal } from './refusal.ts';

const MISSING_CAPABILITY: number = ProtocolErrorCode.MissingRequiredClientCapability;

/** A message of JSON-RPC as it leaves. */
export interface HttpAnswer {
  readonly status: number;
  readonly json: string;
}

export function legacyResult(id: RequestId, result: Result): HttpAnswer {
  return { status: 200, json: JSON.stringify({ jsonrpc: '2.0', id, result }) };
}

/**
 * Every result of the modern era has its type, and says whose it is. Put together by Object.assign: V8 keeps a hidden
 * class of its own for each object that begins with a spread.
 */
export function modernResult(id: RequestId, result: Result, identity: Identity): HttpAnswer {
  const meta = Object.assign({}, result['_meta'], { [SERVER_INFO_META_KEY]: identity });
  return legacyResult(id, Object.assign({ resultType: 'complete' }, result, { _meta: meta }));
}

/** A fault of Howdah shows nothing of itself. */
export function errorAnswer(id: RequestId | null, error: unknown): HttpAnswer {
  if (!(error instanceof ProtocolError)) {
    return refusalAnswer(id, { status: 500, code: ProtocolErrorCode.InternalError, message: 'Internal error' });
  }
  const { code, message, data } = error;
  const status = code === MISSING_CAPABILITY ? 400 : 200;
  return { status, json: JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } }) };
}

/** The id is null where the message has none that can be told. */
export function refusalAnswer(
  id: RequestId | null,
  { status, code, message, data }: Omit<HttpRefusal, 'reason'>,
): HttpAnswer {
  return { status, json: JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } }) };
}
