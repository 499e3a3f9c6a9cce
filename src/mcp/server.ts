import {
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  UnsupportedProtocolVersionError,
  type JSONRPCRequest,
  type ProtocolEra,
  type Result,
  type ServerCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Principal } from '../contract/principal.ts';
import type { McpAnswerer } from './answer.ts';
import { identityOf } from './identity.ts';
import { isLogLevel, logTo } from './log-messages.ts';
import { MALFORMED_META_KEY } from './message.ts';
import type { Params } from './methods/method.ts';
import { originOf } from './origin.ts';
import { LEGACY_VERSIONS } from './protocol-versions.ts';
import { SET_LEVEL_METHOD } from './methods/logging.ts';
import { progressTo } from './progress.ts';

export interface McpServerParts {
  readonly era: ProtocolEra;
  /** Of Howdah. */
  readonly version: string;
  readonly capabilities: ServerCapabilities;
  readonly principal: Principal;
  readonly answer: McpAnswerer;
  /** Called when a client has opened and has its answer. */
  readonly onOpened?: () => void;
}

/** A server for one caller. What it says it says through the pipeline: what no operation declares, it does not know. */
export function createMcpServer(parts: McpServerParts): Server {
  return new GovernedServer(parts);
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

/** The SDK takes the envelope and what a retry carries out of the parameters. */
function asOnTheWire(params: NonNullable<JSONRPCRequest['params']>, { mcpReq }: ServerContext): Params {
  const { _meta, envelope, inputResponses } = mcpReq;
  return { ...params, _meta: { ..._meta, ...envelope }, inputResponses, requestState: mcpReq.requestState() };
}

/**
 * The SDK's low-level server, since McpServer answers unknown tools and invalid arguments itself, and those calls would
 * never reach the audit log. A class only because the SDK's own answers can be had no other way than by overriding.
 */
class GovernedServer extends Server {
  readonly #parts: McpServerParts;
  /** Of a session of the legacy era. */
  #leastLogged: unknown = 'info';

  constructor(parts: McpServerParts) {
    const { version, capabilities } = parts;
    super(identityOf(version), { capabilities, supportedProtocolVersions: [...LEGACY_VERSIONS] });
    this.#parts = parts;
    // no handlers of the SDK: it would refuse malformed parameters before anyone has written them down
    this.removeRequestHandler(SET_LEVEL_METHOD);
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
    const { era, principal, capabilities, answer } = this.#parts;
    const { id, _meta, envelope, signal } = ctx.mcpReq;
    const meta: Params = { ..._meta, ...envelope };
    const handshake = { client: this.getClientVersion(), protocolVersion: this.getNegotiatedProtocolVersion() };
    const malformed = meta[MALFORMED_META_KEY];
    const leastLogged = era === 'modern' ? meta[LOG_LEVEL_META_KEY] : this.#leastLogged;
    const notify = (notification: string, told: Params) => {
      // whoever cannot be told has gone, which the signal says too
      if (!signal.aborted) ctx.mcpReq.notify({ method: notification, params: told }).catch(() => {});
    };
    const result = await answer({
      era,
      method,
      params: asOnTheWire(params, ctx),
      malformed: typeof malformed === 'string' ? malformed : undefined,
      principal,
      origin: originOf({ id, meta, handshake, transport: 'stdio' }),
      signal,
      onProgress: progressTo(meta['progressToken'], (told) => notify('notifications/progress', told)),
      onLog: capabilities.logging && logTo(leastLogged, (told) => notify('notifications/message', told)),
    });
    if (method === SET_LEVEL_METHOD && isLogLevel(params['level'])) this.#leastLogged = params['level'];
    return result;
  }
}
