import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { MissingClientCapability } from '../calls/dialogue.ts';
import type { CallOutcome } from '../calls/execute.ts';
import type { ErrorCode } from '../contract/error-code.ts';
import { ERROR_CODES } from '../core/errors.ts';

/** Where every answer names its call. */
export const CALL_ID_META_KEY = 'howdah/call_id';

/** A failed call as an error of JSON-RPC; `uri` is the resource that was asked for. */
export function toProtocolError({ callId, error }: Extract<CallOutcome, { ok: false }>, uri?: string): ProtocolError {
  const { message, ...rest } = error.toJSON();
  const required = error instanceof MissingClientCapability ? error.required : undefined;
  const code = required ? ProtocolErrorCode.MissingRequiredClientCapability : rpcCodeOf(error.code);
  return new ProtocolError(code, message, {
    ...rest,
    ...(required && { requiredCapabilities: required }),
    ...(uri !== undefined && { uri }),
    [CALL_ID_META_KEY]: callId,
  });
}

/** Codes of our own are HTTP's: they must lie outside -32768…-32000, which belong to JSON-RPC and to MCP. */
function rpcCodeOf(code: ErrorCode): number {
  if (code === 'INVALID_INPUT' || code === 'NOT_FOUND') return ProtocolErrorCode.InvalidParams;
  return code === 'INTERNAL' ? ProtocolErrorCode.InternalError : ERROR_CODES[code].status;
}
