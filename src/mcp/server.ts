import {
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  UnsupportedProtocolVersionError,
  type JSONRPCRequest,
  type ProtocolEra,
  type Result,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { createCatalog, type Catalog } from '../calls/catalog.ts';
import type { CallOrigin, CallOutcome, CallRequest } from '../calls/execute.ts';
import type { Principal } from '../contract/principal.ts';
import { toToolResult } from './call-tool.ts';
import { MALFORMED_META_KEY } from './message.ts';
import { COMPLETE_METHOD, NO_COMPLETION } from './methods/completion.ts';
import { originOf } from './origin.ts';
import { progressTo } from './progress.ts';
import { CALL_ID_META_KEY, toProtocolError } from './protocol-error.ts';
import { isRecord } from './record.ts';
import { routeOf } from './route.ts';

/** Lists change with the rules of a persona, and nobody is told: a client asks again after this long. */
const LIST_TTL_MS = 60_000;
const CACHED_METHODS = new Set([
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
]);

export interface McpServerParts {
  readonly era: ProtocolEra;
  /** Of Howdah. */
  readonly version: string;
  /** Every operation, the protocol's methods among them. */
  readonly catalog: Catalog;
  readonly principal: Principal;
  readonly transport: CallOrigin['transport'];
  /** `executeCall`, with what it stands on. */
  readonly call: (request: CallRequest) => Promise<CallOutcome>;
  /** Called when a client has opened and has its answer. */
  readonly onOpened?: () => void;
}

/** A server for one caller. What it says it says through the pipeline: what no operation declares, it does not know. */
export function createMcpServer(parts: McpServerParts): Server {
  return new GovernedServer(parts);
}

/** The tools of a catalogue, since `tools/call` must not reach methods or administration. */
const toolCatalogs = new WeakMap<Catalog, Catalog>();

function toolsOf(catalog: Catalog): Catalog {
  const tools = toolCatalogs.get(catalog) ?? createCatalog(catalog.operations.filter(({ kind }) => kind === 'tool'));
  toolCatalogs.set(catalog, tools);
  return tools;
}

type Handler = (request: JSONRPCRequest, ctx: ServerContext) => Promise<Result>;

/** The SDK's own answer; it calls parameters that it cannot read an internal error, with the words of its schema. */
async function negotiate(handler: Handler, request: JSONRPCRequest, ctx: ServerContext): Promise<Result> {
  try {
    return await handler(request, ctx);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid parameters of ${request.method}.`);
  }
}

/** The SDK looks at the version of the opening only, and every request of the modern era names one. */
function requireVersion({ mcpReq }: ServerContext, spoken: string | undefined): void {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const requested = envelope[PROTOCOL_VERSION_META_KEY];
  if (requested === undefined || spoken === undefined || requested === spoken) return;
  throw new UnsupportedProtocolVersionError({
    supported: [spoken],
    requested: typeof requested === 'string' ? requested.slice(0, 100) : 'no text',
  });
}

/**
 * The SDK's low-level server, since McpServer answers unknown tools and invalid arguments itself, and those calls would
 * never reach the audit log. A class only because the SDK's own answers can be had no other way than by overriding.
 */
class GovernedServer extends Server {
  readonly #parts: McpServerParts;
  readonly #tools: Catalog;

  constructor(parts: McpServerParts) {
    super(
      { name: 'howdah', title: 'Howdah', version: parts.version },
      { capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} } },
    );
    this.#parts = parts;
    this.#tools = toolsOf(parts.catalog);
    // not setRequestHandler: the SDK would refuse malformed parameters before anyone has written them down
    this.fallbackRequestHandler = (request, ctx) => this.#answer(request, ctx);
  }

  /** Called for `ping`, `initialize` and `server/discover`, by the constructor above too. */
  protected override _wrapHandler(method: string, handler: Handler): Handler {
    if (method === 'ping') return handler;
    return async (request, ctx) => {
      const negotiated = await negotiate(handler, request, ctx);
      const answer = await this.#answer(request, ctx);
      this.#parts.onOpened?.();
      return { ...negotiated, ...answer };
    };
  }

  async #answer({ method, params = {} }: JSONRPCRequest, ctx: ServerContext): Promise<Result> {
    requireVersion(ctx, this.getNegotiatedProtocolVersion());
    if (method === 'tools/call') return this.#callTool(params, ctx);
    const route = routeOf(method, params);
    if (!route || this.#parts.catalog.get(route.name)?.operation.kind !== 'method') {
      throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
    }
    const outcome = await this.#call({ catalog: this.#parts.catalog, ...route }, ctx);
    if (outcome.ok) return this.#describe(method, outcome.output, outcome.callId);
    if (method === COMPLETE_METHOD) return this.#describe(method, NO_COMPLETION, outcome.callId);
    const uri = params['uri'];
    throw toProtocolError(outcome, method === 'resources/read' && typeof uri === 'string' ? uri : undefined);
  }

  async #callTool(params: Readonly<Record<string, unknown>>, ctx: ServerContext): Promise<Result> {
    const { name, arguments: given } = params;
    const request = { catalog: this.#tools, name: typeof name === 'string' ? name : '', arguments: given };
    return toToolResult(await this.#call(request, ctx), request, this.#tools);
  }

  #call(request: Pick<CallRequest, 'catalog' | 'name' | 'arguments'>, ctx: ServerContext): Promise<CallOutcome> {
    const { principal, transport, call } = this.#parts;
    const { _meta: { [MALFORMED_META_KEY]: malformed } = {} } = ctx.mcpReq;
    const handshake = { client: this.getClientVersion(), protocolVersion: this.getNegotiatedProtocolVersion() };
    return call({
      ...request,
      malformed: typeof malformed === 'string' ? malformed : undefined,
      principal,
      origin: originOf(ctx, transport, handshake),
      signal: ctx.mcpReq.signal,
      onProgress: progressTo(ctx),
    });
  }

  #describe(method: string, output: Readonly<Record<string, unknown>>, callId: string): Result {
    const { _meta, ...result } = output;
    return {
      ...result,
      ...(this.#parts.era === 'modern' && CACHED_METHODS.has(method) && { ttlMs: LIST_TTL_MS, cacheScope: 'private' }),
      _meta: { ...(isRecord(_meta) && _meta), [CALL_ID_META_KEY]: callId },
    };
  }
}
