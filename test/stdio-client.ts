/** `howdah stdio` with the official client in front, and what a test asks of it when things go wrong. */
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { ErrorCode } from '../src/contract/error-code.ts';
import type { RawStdio, StdioPlace } from './stdio-process.ts';

/** What a tool call came to, as the client has it. */
export interface ToolOutcome {
  readonly callId: string;
  readonly code: ErrorCode | 'OK';
  readonly message: string;
  readonly hint: string;
  readonly sqlstate: string | undefined;
  /** The whole answer as JSON. */
  readonly text: string;
}

export interface StdioClient {
  readonly pid: number;
  readonly call: (tool: string, input?: Readonly<Record<string, unknown>>) => Promise<ToolOutcome>;
  /** Fails unless the process still answers. */
  readonly ping: () => Promise<void>;
  /** What came on stderr so far. */
  readonly log: () => string;
  readonly close: () => Promise<void>;
}

export async function openClient({ command, args, cwd, env }: StdioPlace): Promise<StdioClient> {
  const client = new Client({ name: 'bad days', version: '1' });
  const transport = new StdioClientTransport({ command, args, cwd, env, stderr: 'pipe' });
  let log = '';
  transport.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await client.connect(transport);
  return {
    pid: transport.pid ?? 0,
    call: async (name, input = {}) => readOutcome(await client.callTool({ name, arguments: input })),
    ping: async () => void (await client.ping()),
    log: () => log,
    close: () => client.close(),
  };
}

/** Of a result. A failure without a code of ours, a reason in words and a way on fails the test. */
export function readOutcome(answer: Readonly<Record<string, unknown>>): ToolOutcome {
  const text = JSON.stringify(answer);
  const meta = (answer['_meta'] ?? answer['data'] ?? {}) as Readonly<Record<string, unknown>>;
  const callId = String(meta['howdah/call_id']);
  if (answer['isError'] !== true) return { callId, code: 'OK', message: '', hint: '', sqlstate: undefined, text };
  const [content] = answer['content'] as { text: string }[];
  const { error } = JSON.parse(content?.text ?? '{}') as { error: Readonly<Record<string, unknown>> };
  const { code, message, hint, details } = error;
  expect(error).toMatchObject({
    message: expect.stringMatching(/^\w.* .*$/s),
    hint: expect.stringMatching(/^\w.* .*[.!?;…]$/s),
  });
  return {
    callId,
    code: ErrorCode.parse(code),
    message: String(message),
    hint: String(hint),
    sqlstate: (details as { sqlstate?: string } | undefined)?.sqlstate,
    text,
  };
}

/** Opens a raw session in the legacy era. */
export async function initialize({ send, answerTo }: RawStdio, protocolVersion = '2025-11-25') {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'bad days', version: '1' } };
  send({ jsonrpc: '2.0', id: 'open', method: 'initialize', params });
  return answerTo('open');
}

export function toolCall(id: number | string, name: string, input: object = {}) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: input } };
}

export function auditDirectory({ env }: StdioPlace): string {
  return join(String(env['HOWDAH_STATE']), 'audit');
}

/** The end of a call on record. */
export function endOf(place: StdioPlace, callId: string): AuditEvent | undefined {
  return place.events().findLast(({ kind, call_id }) => kind === 'ended' && call_id === callId);
}
