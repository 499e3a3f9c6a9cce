import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  ProtocolErrorCode,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/server';
import { isRecord } from '../core/record.ts';
import { JsonRefusal, parseStrictJson } from './strict-json.ts';

/** Where the transport tells the tool call what was wrong with the text of its arguments; what a client writes there is taken out. */
export const MALFORMED_META_KEY = 'howdah/malformed';

const MAX_ID_LENGTH = 256;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A message that is answered with an error and goes no further. */
export interface Refusal {
  readonly id: RequestId | null;
  readonly code: number;
  /** Says what is wrong and repeats nothing of the message. */
  readonly reason: string;
}

export type Reading = { readonly message: JSONRPCMessage } | { readonly refusal: Refusal };

/** Reads one message of JSON-RPC 2.0 (https://www.jsonrpc.org/specification), strictly. */
export function readMessage(bytes: Uint8Array): Reading {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse(ProtocolErrorCode.ParseError, 'The message is not UTF-8.');
  }
  try {
    const { value, duplicates } = parseStrictJson(text);
    return readValue(value, duplicates);
  } catch (error) {
    if (!(error instanceof JsonRefusal)) throw error;
    const code = error.kind === 'syntax' ? ProtocolErrorCode.ParseError : ProtocolErrorCode.InvalidRequest;
    return refuse(code, error.message);
  }
}

function readValue(value: unknown, duplicates: readonly (readonly string[])[]): Reading {
  if (Array.isArray(value)) return refuse(ProtocolErrorCode.InvalidRequest, 'Batches are not part of this protocol.');
  if (!isRecord(value)) return refuse(ProtocolErrorCode.InvalidRequest, 'A message is an object.');
  if ('id' in value && !isRequestId(value['id'])) {
    return refuse(
      ProtocolErrorCode.InvalidRequest,
      `An id is an integer or a string of at most ${MAX_ID_LENGTH} characters.`,
    );
  }
  const twoIds = duplicates.some((path) => path.join() === 'id');
  const id = isRequestId(value['id']) && !twoIds ? value['id'] : null;
  const message = withoutMalformed(value);
  if (!isMessage(message))
    return refuse(ProtocolErrorCode.InvalidRequest, 'This is not a message of JSON-RPC 2.0.', id);
  const [first] = duplicates;
  if (first === undefined) return { message };
  if (message.method === 'tools/call' && duplicates.every(isWithinArguments))
    return { message: markMalformed(message, first) };
  return refuse(ProtocolErrorCode.InvalidRequest, 'A key is given twice.', id);
}

function refuse(code: number, reason: string, id: RequestId | null = null): Reading {
  return { refusal: { id, code, reason } };
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' ? id.length <= MAX_ID_LENGTH : Number.isSafeInteger(id);
}

function isMessage(value: object): value is JSONRPCMessage & { method?: string } {
  return (
    isJSONRPCRequest(value) ||
    // the SDK's schema lets an id pass that is not one
    (!('id' in value) && isJSONRPCNotification(value)) ||
    isJSONRPCResultResponse(value) ||
    isJSONRPCErrorResponse(value)
  );
}

function isWithinArguments([params, args, ...key]: readonly string[]): boolean {
  return params === 'params' && args === 'arguments' && key.length > 0;
}

function withoutMalformed(message: Record<string, unknown>): Record<string, unknown> {
  const { params } = message;
  const meta = isRecord(params) ? params['_meta'] : undefined;
  if (isRecord(meta)) delete meta[MALFORMED_META_KEY];
  return message;
}

function markMalformed(message: JSONRPCMessage, [, , ...path]: readonly string[]): JSONRPCMessage {
  const params = 'params' in message && isRecord(message.params) ? message.params : {};
  const meta = isRecord(params['_meta']) ? params['_meta'] : {};
  const key = JSON.stringify(path.join('.').slice(0, 100));
  const malformed = `Invalid arguments: ${key} is given twice.`;
  return { ...message, params: { ...params, _meta: { ...meta, [MALFORMED_META_KEY]: malformed } } };
}
