/** Single exchanges with the MCP endpoint, with the real pipeline behind it and nothing of HTTP before it. */
import { afterEach, beforeEach } from 'vitest';
import { z } from 'zod';
import { createCatalog, type Catalog } from '../src/calls/catalog.ts';
import { executeCall } from '../src/calls/execute.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createMcpEndpoint, type McpEndpoint, type McpExchange } from '../src/mcp/http/endpoint.ts';
import { catalog, ENVELOPE, operation, readEvents, recordOf, usePipeline, type Message } from './mcp-session.ts';

/** The tools of a stdio session, and more: talkative, silent, failing, and with headers for its arguments. */
const withMore = createCatalog([
  ...catalog.operations,
  operation('busy', (context) => {
    for (let done = 1; done <= 1000; done++) context.progress('on its way', done);
    return Promise.resolve({});
  }),
  operation('silent', async (context) => {
    context.progress('begun', 1);
    const { signal } = context.deadline;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    return {};
  }),
  operation('crash', () => Promise.reject(new TypeError('correct-horse in /srv/app.ts'))),
  operation('routed', ({ input }) => Promise.resolve({ ...input }), {
    input: z.strictObject({
      server: z.string().optional().meta({ 'x-mcp-header': 'Server' }),
      limit: z.int().optional().meta({ 'x-mcp-header': 'Limit' }),
      exact: z.boolean().optional().meta({ 'x-mcp-header': 'Exact' }),
    }),
    alsoKnownAs: { get_routed: {}, route_to: { host: 'server', max: 'limit' } },
  }),
]);

/** What came of an exchange, as it goes on. */
export interface Exchange {
  /** Undefined while nothing was sent. */
  readonly status: () => number | undefined;
  /** The answer that came whole. */
  readonly body: () => Message | undefined;
  /** The messages that came as events. */
  readonly events: () => readonly Message[];
  /** How often the stream was kept alive. */
  readonly comments: () => number;
  readonly hasEnded: () => boolean;
  /** The client closes the connection. */
  readonly leave: () => void;
  /** The client reads what it has left unread. */
  readonly read: () => void;
  /** Resolves when the endpoint is done with it. */
  readonly done: Promise<void>;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly persona?: string;
  readonly user?: string;
  /** The client does not read the stream. */
  readonly doesNotRead?: boolean;
}

export interface McpHttp {
  readonly endpoint: McpEndpoint;
  /** A message, or the text of a body. */
  readonly post: (message: unknown, options?: PostOptions) => Exchange;
  /** A whole exchange of the modern era with the headers that it wants; the last answer. */
  readonly modern: (method: string, params?: object, options?: PostOptions) => Promise<Answer>;
  readonly legacy: (method: string, params?: object, options?: PostOptions) => Promise<Answer>;
  /** Why messages did not become calls. */
  readonly refused: readonly string[];
  readonly faults: readonly unknown[];
  /** Ends the credential of a user. */
  readonly revoke: (user: string) => void;
  readonly events: () => AuditEvent[];
  readonly recordOf: (answer: Message | undefined) => AuditEvent | undefined;
}

export interface Answer extends Message {
  readonly status: number | undefined;
}

export const ACCEPT = { accept: 'application/json, text/event-stream' };
const MIRRORED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** The headers of a request of the modern era. */
export function headersFor(method: string, params: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  const name = params[MIRRORED[method] ?? ''];
  return {
    ...ACCEPT,
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
  };
}

export function useMcpHttp(served: Catalog = withMore): () => McpHttp {
  const pipeline = usePipeline();
  let http: McpHttp;
  let open: Exchange[];
  beforeEach(() => {
    const { deps, directory } = pipeline();
    const refused: string[] = [];
    const faults: unknown[] = [];
    const revoked = new Set<string>();
    open = [];
    const endpoint = createMcpEndpoint({
      catalog: served,
      call: (request) =>
        request.name === 'broken' ? Promise.reject(new TypeError('correct-horse')) : executeCall(request, deps),
      isStillAuthentic: ({ principal }) => !revoked.has(principal.subject),
      version: '1.2.3',
      onRefused: (_, reason) => refused.push(reason),
      onFault: (error) => faults.push(error),
    });
    const post = (message: unknown, options: PostOptions = {}) => {
      const exchange = startExchange(endpoint, message, options);
      open.push(exchange);
      return exchange;
    };
    const ask = async (message: object, options: PostOptions): Promise<Answer> => {
      const { done, status, body, events } = post(message, options);
      await done;
      return { ...(body() ?? events().at(-1)), status: status() };
    };
    http = {
      endpoint,
      post,
      refused,
      faults,
      revoke: (user) => void revoked.add(user),
      modern: (method, params = {}, { headers, ...options } = {}) =>
        ask(
          { jsonrpc: '2.0', id: 7, method, params: { _meta: ENVELOPE, ...params } },
          { ...options, headers: { ...headersFor(method, { ...params }), ...headers } },
        ),
      legacy: (method, params, options = {}) => ask({ jsonrpc: '2.0', id: 7, method, params }, options),
      events: () => readEvents(directory),
      recordOf: (answer) => recordOf(answer ?? {}, directory),
    };
  });
  afterEach(async () => {
    for (const exchange of open) exchange.leave();
    await Promise.all(open.map(({ done }) => done));
  });
  return () => http;
}

function startExchange(endpoint: McpEndpoint, message: unknown, options: PostOptions): Exchange {
  const { headers = ACCEPT, persona = 'dba', user = 'ada', doesNotRead = false } = options;
  const client = new AbortController();
  const frames: string[] = [];
  const unread: (() => void)[] = [];
  let answer: { readonly status: number; readonly body: string | undefined } | undefined;
  let ended = false;
  const take = (given: NonNullable<typeof answer>) => {
    if (answer) throw new Error('a second answer to one exchange');
    answer = given;
  };
  const read = () => {
    for (const resume of unread.splice(0)) resume();
  };
  client.signal.addEventListener('abort', read);
  const exchange: McpExchange = {
    body: Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
    headers,
    principal: localPrincipal(persona, user),
    scopes: null,
    expiresAtMs: Infinity,
    sourceAddress: '192.0.2.7',
    signal: client.signal,
    reply: {
      send: (status, body) => take({ status, body }),
      needScopes: (scopes) => take({ status: 403, body: JSON.stringify({ scopes }) }),
      stream: () => {
        take({ status: 200, body: undefined });
        return {
          write: (frame) => {
            if (ended) throw new Error('written after the end');
            frames.push(frame);
            if (!doesNotRead || client.signal.aborted) return Promise.resolve();
            return new Promise((resolve) => unread.push(resolve));
          },
          end: () => {
            ended = true;
          },
        };
      },
    },
  };
  return {
    status: () => answer?.status,
    body: () => (answer?.body === undefined ? undefined : (JSON.parse(answer.body) as Message)),
    events: () => frames.filter((frame) => !isComment(frame)).map(parseFrame),
    comments: () => frames.filter(isComment).length,
    hasEnded: () => ended,
    leave: () => client.abort(),
    read,
    done: endpoint.handle(exchange),
  };
}

function isComment(frame: string): boolean {
  return /^:[^\n]*\n\n$/.test(frame);
}

function parseFrame(frame: string): Message {
  const json = /^event: message\ndata: ([^\n]*)\n\n$/.exec(frame)?.[1];
  if (json === undefined) throw new Error(`no event of one message: ${frame}`);
  return JSON.parse(json) as Message;
}
