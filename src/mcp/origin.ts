import { CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY, type ServerContext } from '@modelcontextprotocol/server';
import type { CallOrigin } from '../calls/execute.ts';
import { isRecord } from './record.ts';
import { traceIdOf } from './traceparent.ts';

/** What an opening of the legacy era said once, for every request after it. */
export interface Handshake {
  readonly client: unknown;
  readonly protocolVersion: string | undefined;
}

/** How a request came in, for the audit log. The client's name is what it says of itself and decides nothing. */
export function originOf(
  { mcpReq }: ServerContext,
  transport: CallOrigin['transport'],
  handshake: Handshake,
): CallOrigin {
  const { id, _meta: { traceparent } = {} } = mcpReq;
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const client = envelope[CLIENT_INFO_META_KEY] ?? handshake.client;
  return {
    transport,
    requestId: String(id),
    traceId: traceIdOf(traceparent),
    protocolVersion: textOf(envelope[PROTOCOL_VERSION_META_KEY]) ?? handshake.protocolVersion,
    ...(isRecord(client) && { clientName: textOf(client['name']), clientVersion: textOf(client['version']) }),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
