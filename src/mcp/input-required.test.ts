import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ENVELOPE, operation, useMcpSession, type McpSession, type Message } from '../../test/mcp-session.ts';
import { createCatalog, type Catalog } from '../calls/catalog.ts';
import type { CallContext } from '../calls/context.ts';
import type { InputRequests } from '../calls/input-request.ts';
import { openFleet } from '../fleet/open-fleet.ts';
import { createMethods } from './methods/all-methods.ts';

const sure: InputRequests = {
  sure: { kind: 'form', message: 'Sure?', fields: z.object({ ok: z.boolean(), why: z.string().optional() }) },
};
const every: InputRequests = {
  ...sure,
  login: { kind: 'url', message: 'Log in', url: 'https://example.org/' },
  words: { kind: 'sampling', messages: [{ role: 'user', content: { type: 'text', text: 'Say it.' } }], maxTokens: 9 },
  places: { kind: 'roots' },
};
const answerTo = ({ inputs, requestInput }: CallContext) => JSON.stringify(inputs ?? requestInput(sure, { kept: 1 }));

const served: Catalog = createCatalog([
  operation('ask', async (context) => ({ said: answerTo(context), kept: context.state })),
  operation('ask_everything', ({ requestInput }) => requestInput(every)),
  ...createMethods({
    catalog: () => served,
    fleet: openFleet([], undefined),
    prompts: [
      {
        name: 'asking',
        title: 'Asking',
        description: 'Asks.',
        arguments: [],
        tools: [],
        messages: (_, context) => [{ role: 'user', content: { type: 'text', text: answerTo(context) } }],
      },
    ],
    resources: [
      {
        name: 'asking',
        uri: 'test://asking/{id}',
        title: 'Asking',
        description: 'Asks.',
        mimeType: 'text/plain',
        reaches: 'nothing',
        actsAs: () => [],
        isOffered: () => true,
        read: async (_, context) => [{ uri: context.uri, text: answerTo(context) }],
      },
    ],
  }),
]);

const CAPABLE = {
  ...ENVELOPE,
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
};
const yes = { sure: { action: 'accept', content: { ok: true } } };

const open = useMcpSession();

async function ask(mcp: McpSession, method: string, params: object): Promise<Message> {
  return mcp.ask(method, { ...params, _meta: CAPABLE });
}

describe.each([
  ['tools/call', { name: 'ask' }, 'ask'],
  ['prompts/get', { name: 'asking' }, 'prompts/get'],
  ['resources/read', { uri: 'test://asking/7' }, 'resources/read/asking'],
])('%s', (method, params, recorded) => {
  it('asks, and goes on with the answer in a call of its own, both on record', async () => {
    const mcp = open({ served });
    const first = await ask(mcp, method, params);
    expect(first.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        sure: {
          method: 'elicitation/create',
          params: {
            mode: 'form',
            message: 'Sure?',
            requestedSchema: {
              type: 'object',
              properties: { ok: { type: 'boolean' }, why: { type: 'string' } },
              required: ['ok'],
            },
          },
        },
      },
      requestState: expect.stringMatching(/^[\w-]{60,}$/),
    });
    expect(mcp.recordOf(first)).toMatchObject({
      operation: recorded,
      outcome: 'INPUT_REQUIRED',
      details: { asks: ['sure'] },
    });
    const { requestState } = first.result ?? {};
    const second = await ask(mcp, method, { ...params, inputResponses: yes, requestState });
    expect(second.result).toMatchObject({ resultType: 'complete' });
    expect(JSON.stringify(second.result)).toContain(String.raw`\"ok\":true`);
    expect(mcp.recordOf(second)).toMatchObject({
      operation: recorded,
      outcome: 'OK',
      details: { answers_call: mcp.recordOf(first)?.call_id },
    });
  });

  it('refuses a request state that was used or changed, as a fault of the request', async () => {
    const mcp = open({ served });
    const { requestState } = (await ask(mcp, method, params)).result ?? {};
    await ask(mcp, method, { ...params, inputResponses: yes, requestState });
    for (const state of [requestState, `${String(requestState)}-TAMPERED`]) {
      const answer = await ask(mcp, method, { ...params, inputResponses: yes, requestState: state });
      expect(answer.error).toMatchObject({ code: -32602, data: { code: 'INVALID_INPUT' } });
      expect(mcp.recordOf(answer)).toMatchObject({ operation: recorded, outcome: 'INVALID_INPUT' });
    }
  });

  it('says which capability a client lacks', async () => {
    const mcp = open({ served });
    const answer = await mcp.askModern(method, params);
    expect(answer.error).toMatchObject({
      code: -32021,
      data: { code: 'UNSUPPORTED', requiredCapabilities: { elicitation: { form: {} } } },
    });
    expect(mcp.recordOf(answer)).toMatchObject({ outcome: 'UNSUPPORTED' });
  });
});

it('asks in the words of the protocol, whatever it asks', async () => {
  const { result } = await ask(open({ served }), 'tools/call', { name: 'ask_everything' });
  expect(result?.['inputRequests']).toMatchObject({
    login: { method: 'elicitation/create', params: { mode: 'url', message: 'Log in', url: 'https://example.org/' } },
    words: {
      method: 'sampling/createMessage',
      params: { messages: [{ role: 'user', content: { type: 'text', text: 'Say it.' } }], maxTokens: 9 },
    },
    places: { method: 'roots/list', params: {} },
  });
});

it('tells a client of the legacy era that it cannot be asked, as the failure of the tool', async () => {
  const mcp = open({ served });
  await mcp.initialize();
  const answer = await mcp.ask('tools/call', { name: 'ask', inputResponses: yes, requestState: 'x' });
  expect(answer.result).toMatchObject({ isError: true });
  expect(JSON.stringify(answer.result)).toContain('this caller cannot be asked');
  expect(mcp.recordOf(answer)).toMatchObject({ outcome: 'UNSUPPORTED' });
});
