import {
  LOG_LEVEL_META_KEY,
  METHOD_NOT_FOUND,
  ProtocolError,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type Result,
} from '@modelcontextprotocol/server';
import type { Catalog } from '../../calls/catalog.ts';
import type { CallOutcome, CallRequest } from '../../calls/execute.ts';
import { InsufficientScope } from '../../calls/scope.ts';
import { createAnswerer } from '../answer.ts';
import { identityOf } from '../identity.ts';
import { logTo } from '../log-messages.ts';
import { MALFORMED_META_KEY, readMessage } from '../message.ts';
import { LISTEN_METHOD } from '../methods/listen.ts';
import { originOf } from '../origin.ts';
import { progressTo } from '../progress.ts';
import { accepts } from './accept.ts';
import { admit, metaOf, type Admitted } from './admission.ts';
import { headerOf, type McpExchange } from './exchange.ts';
import { errorAnswer, legacyResult, modernResult, refusalAnswer, type HttpAnswer } from './http-answer.ts';
import { agreementOf, offerOf } from './opening.ts';
import { declaredParameterHeaders } from './parameter-headers.ts';
import { createProgressStream, type ProgressStream } from './progress-stream.ts';
import { methodNotFound, NOT_ACCEPTABLE, TOO_MANY_SUBSCRIPTIONS, unreadable, type HttpRefusal } from './refusal.ts';
import { createSubscriptions, type IsStillAuthentic } from './subscriptions.ts';

export type { EventStream, McpExchange } from './exchange.ts';

/** MCP over Streamable HTTP, without sessions: each exchange stands for itself, in both eras of the protocol. */
export interface McpEndpoint {
  /** Never rejects. */
  handle(exchange: McpExchange): Promise<void>;
  /** Tells subscribers that lists of tools, prompts or resources may have changed; who is one no more, hears the end. */
  listsChanged(): void;
  /** Ends the streams of `subscriptions/listen` with their result; other exchanges go on. */
  close(): void;
}

export interface McpEndpointParts {
  /** Every operation, the protocol's methods among them. */
  readonly catalog: Catalog;
  /** `executeCall`, with what it stands on. */
  readonly call: (request: CallRequest) => Promise<CallOutcome>;
  readonly isStillAuthentic: IsStillAuthentic;
  /** Of Howdah. */
  readonly version: string;
  /** Called for a message that did not become a call; `reason` is short and fixed. */
  readonly onRefused: (exchange: McpExchange, reason: string) => void;
  /** Called with a fault of Howdah itself; the client hears nothing of it. */
  readonly onFault?: (error: unknown) => void;
}

export function createMcpEndpoint(parts: McpEndpointParts): McpEndpoint {
  const { catalog, call, isStillAuthentic, version, onRefused, onFault } = parts;
  const identity = identityOf(version);
  const offer = offerOf(identity, catalog);
  const sendsLogs = offer.modern.logging !== undefined;
  const answer = createAnswerer({ catalog, call });
  const parameters = declaredParameterHeaders(catalog);
  const subscriptions = createSubscriptions({
    completed: (id, result) => modernResult(id, result, identity).json,
    isStillAuthentic,
  });

  function refuse(exchange: McpExchange, id: RequestId | null, refusal: HttpRefusal): void {
    onRefused(exchange, refusal.reason);
    const { status, json } = refusalAnswer(id, refusal);
    exchange.reply.send(status, json);
  }

  async function respond(exchange: McpExchange): Promise<void> {
    const reading = readMessage(exchange.body);
    if ('refusal' in reading) {
      const { id, code, reason } = reading.refusal;
      return refuse(exchange, id, unreadable(code, reason));
    }
    const { message } = reading;
    const admission = admit(message, exchange.headers, parameters);
    if (admission.era === 'none') return refuse(exchange, idOf(message), admission.refusal);
    if (!isRequest(message)) return exchange.reply.send(202, undefined);
    if (message.method === LISTEN_METHOD) return listen(exchange, message, admission);
    return serve(exchange, message, admission);
  }

  async function serve(exchange: McpExchange, request: JSONRPCRequest, admitted: Admitted): Promise<void> {
    const progress = createProgressOf(request, exchange, leastLogged(request, admitted));
    let settled: HttpAnswer;
    try {
      const result = await run(exchange, request, admitted, progress);
      settled =
        admitted.era === 'modern' ? modernResult(request.id, result, identity) : legacyResult(request.id, result);
    } catch (error) {
      if (isMethodNotFound(error)) return refuse(exchange, request.id, methodNotFound(admitted.era));
      // nothing was told of progress before the rights were looked at
      if (error instanceof InsufficientScope) return exchange.reply.needScopes(error.scopes);
      settled = failed(request.id, error);
    }
    if (progress) await progress.end(settled.status, settled.json);
    else exchange.reply.send(settled.status, settled.json);
  }

  /** The legacy era sets a level for a session; where none could be kept it is ours to choose. */
  function leastLogged(request: JSONRPCRequest, { era }: Admitted): unknown {
    if (!sendsLogs) return undefined;
    return era === 'modern' ? metaOf(request)[LOG_LEVEL_META_KEY] : 'info';
  }

  /** The result of a request, by the pipeline; `ping` alone reveals nothing and goes by. */
  async function run(
    { principal, scopes, expiresAtMs, sourceAddress, signal }: McpExchange,
    request: JSONRPCRequest,
    admitted: Admitted,
    progress?: ProgressStream,
  ): Promise<Result> {
    const { id, method, params = {} } = request;
    if (method === 'ping') return {};
    const { era, handshake } = admitted;
    const meta = metaOf(request);
    const malformed = meta[MALFORMED_META_KEY];
    const result = await answer({
      era,
      method,
      params,
      malformed: typeof malformed === 'string' ? malformed : undefined,
      principal,
      scopes,
      expiresAtMs,
      origin: originOf({ id, meta, handshake, transport: 'http', sourceAddress }),
      signal,
      onProgress:
        progress && progressTo(meta['progressToken'], (told) => progress.notify('notifications/progress', told)),
      onLog:
        progress && logTo(leastLogged(request, admitted), (told) => progress.notify('notifications/message', told)),
    });
    const agreement = agreementOf(method, offer, handshake);
    return agreement ? { ...agreement, ...result } : result;
  }

  async function listen(exchange: McpExchange, request: JSONRPCRequest, admitted: Admitted): Promise<void> {
    if (!accepts(headerOf(exchange.headers, 'accept'), 'text/event-stream'))
      return refuse(exchange, request.id, NOT_ACCEPTABLE);
    const release = subscriptions.reserve(exchange.principal);
    if (!release) return refuse(exchange, request.id, TOO_MANY_SUBSCRIPTIONS);
    try {
      await subscriptions.serve(exchange, request.id, await run(exchange, request, admitted));
    } catch (error) {
      if (error instanceof InsufficientScope) return exchange.reply.needScopes(error.scopes);
      const { status, json } = failed(request.id, error);
      exchange.reply.send(status, json);
    } finally {
      release();
    }
  }

  function failed(id: RequestId | null, error: unknown): HttpAnswer {
    if (!(error instanceof ProtocolError)) onFault?.(error);
    return errorAnswer(id, error);
  }

  return {
    async handle(exchange) {
      try {
        await respond(exchange);
      } catch (error) {
        const { status, json } = failed(null, error);
        exchange.reply.send(status, json);
      }
    },
    listsChanged: () => subscriptions.changed(),
    close: () => subscriptions.close(),
  };
}

/** Undefined where the client does not ask to be told of anything or could not take it. */
function createProgressOf(
  request: JSONRPCRequest,
  { headers, reply }: McpExchange,
  leastLogged: unknown,
): ProgressStream | undefined {
  if (metaOf(request)['progressToken'] === undefined && leastLogged === undefined) return undefined;
  return accepts(headerOf(headers, 'accept'), 'text/event-stream') ? createProgressStream(reply) : undefined;
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

function idOf(message: JSONRPCMessage): RequestId | null {
  return isRequest(message) ? message.id : null;
}

function isMethodNotFound(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === METHOD_NOT_FOUND;
}
