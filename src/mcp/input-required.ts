import type { InputRequired } from '../calls/dialogue.ts';
import type { InputRequest } from '../calls/input-request.ts';
import { CALL_ID_META_KEY } from './protocol-error.ts';
import { toJsonSchema } from './tool-entry.ts';

/** What an operation asks, as the protocol has it since 2026-07-28. */
export function toInputRequired({ requests, requestState }: InputRequired, callId: string) {
  return {
    resultType: 'input_required',
    inputRequests: Object.fromEntries(Object.entries(requests).map(([key, request]) => [key, describe(request)])),
    requestState,
    _meta: { [CALL_ID_META_KEY]: callId },
  };
}

function describe(request: InputRequest): { readonly method: string; readonly params: object } {
  if (request.kind === 'roots') return { method: 'roots/list', params: {} };
  if (request.kind === 'form') {
    const { message, fields } = request;
    const { type, properties, required } = toJsonSchema(fields, 'input');
    const requestedSchema = { type, properties, ...(required && { required }) };
    return { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } };
  }
  const { kind, ...params } = request;
  if (kind === 'url') return { method: 'elicitation/create', params: { mode: kind, ...params } };
  return { method: 'sampling/createMessage', params };
}
