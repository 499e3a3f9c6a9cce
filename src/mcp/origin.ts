import { CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, type RequestId } from '@modelcontextprotocol/server';
import type { CallOrigin } from '../calls/execute.ts';
import { isRecord } from '../core/record.ts';
import { traceIdOf } from './traceparent.ts';

/** How a request came in, and what it said of itself. */
export interface Arrival extends Pick<CallOrigin, 'transport' | 'sourceAddress'> {
  readonly id: RequestId;
  /** `_meta` of the request: in the modern era it has the envelope. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** What an opening of the legacy era said; each request of the modern era says it anew. */
  readonly handshake: { readonly client: unknown; readonly protocolVersion: string | undefined };
}

/** How a request came in, for the audit log. The client's name is what it says of itself and decides nothing. */
export function originOf({ id, meta, handshake, transport, sourceAddress }: Arrival): CallOrigin {
  const client = meta[CLIENT_INFO_META_KEY] ?? handshake.client;
  return {
    transport,
    sourceAddress,
    requestId: String(id),
    traceId: traceIdOf(meta['traceparent']),
    protocolVersion: textOf(meta[PROTOCOL_VERSION_META_KEY]) ?? handshake.protocolVersion,
    ...(isRecord(client) && { clientName: textOf(client['name']), clientVersion: textOf(client['version']) }),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
