import type { McpEndpoint } from '../../mcp/http/endpoint.ts';
import type { Principal } from '../../contract/principal.ts';
import type { Recognized } from '../../identity/bearer.ts';
import type { McpExchange, McpReply } from '../../mcp/http/exchange.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { refuse, send } from '../answer.ts';
import type { Authenticator, Identified } from '../authenticate.ts';
import type { Body } from '../body.ts';
import type { Challenge } from '../challenge.ts';
import { openEventStream } from '../event-stream.ts';
import type { Exchange } from '../exchange.ts';
import { answerPreflight, isPreflight } from '../preflight.ts';
import type { RefusalReason } from '../refusal.ts';
import type { Route } from '../route.ts';

export interface McpRouteParts {
  readonly endpoint: McpEndpoint;
  readonly authenticate: Authenticator;
  readonly readBody: (request: Exchange['request']) => Promise<Body>;
  readonly challenge: Challenge;
  readonly unreadStreamBytes: number;
  readonly logger: Logger;
}

/** `/mcp`: who is calling, then the form of the request, then its body, then the endpoint. */
export function createMcpRoute(parts: McpRouteParts): Route {
  const { authenticate, readBody } = parts;
  return {
    name: 'mcp',
    async serve(exchange) {
      const { request, address } = exchange;
      if (isPreflight(exchange)) return answerPreflight(exchange, 'POST');

      const asked = authenticate(request, address);
      const identified = asked instanceof Promise ? await asked : asked;
      if (!('principal' in identified)) return turnAway(exchange, identified, parts.challenge);
      exchange.principal = identified.principal;
      if (request.method !== 'POST') return refuse(exchange, 'method', { headers: { Allow: 'POST' } });

      const flaw = flawOf(request.headers);
      if (flaw !== undefined) return refuse(exchange, flaw);
      // a client that waits to be asked has not sent its body yet; one of HTTP/1.0 does not know how
      if (request.headers.expect !== undefined && request.httpVersion !== '1.0') exchange.response.writeContinue();
      const body = await readBody(request);
      if (body === 'gone') return;
      if (body === 'too_large') return refuse(exchange, 'body_too_large');
      if (body === 'busy') return refuse(exchange, 'busy', { retryAfterS: 1 });
      await handOver(exchange, identified, body, parts);
    },
  };
}

function turnAway(
  exchange: Exchange,
  identified: Exclude<Identified, { principal: unknown }>,
  challenge: Challenge,
): void {
  const { reason } = identified;
  if ('retryAfterS' in identified) return refuse(exchange, reason, { retryAfterS: identified.retryAfterS });
  const detail = 'detail' in identified ? identified.detail : undefined;
  refuse(exchange, reason, { detail, headers: challenge.credential(exchange.request, reason === 'unrecognized') });
}

function flawOf(headers: Exchange['request']['headers']): RefusalReason | undefined {
  const type = headers['content-type'] ?? '';
  if (type !== 'application/json' && !/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type)) {
    return 'content_type';
  }
  const isCoded = headers['content-encoding'] !== undefined || CODED_CHUNKS.test(headers['transfer-encoding'] ?? '');
  return isCoded ? 'content_encoding' : undefined;
}

/** Node puts chunks together, and leaves the coding before them as it is (RFC 9112 §7); others it refuses. */
const CODED_CHUNKS = /,\s*chunked$/i;

async function handOver(
  exchange: Exchange,
  caller: Recognized,
  body: Buffer,
  { endpoint, challenge, unreadStreamBytes, logger }: McpRouteParts,
): Promise<void> {
  const { response } = exchange;
  const reply: McpReply = {
    send: (status, text) =>
      send(exchange, {
        status,
        ...(text !== undefined && { contentType: 'application/json', body: text }),
        headers: NO_STORE,
      }),
    needScopes: (scopes) =>
      send(exchange, { ...INSUFFICIENT_SCOPE, headers: { ...NO_STORE, ...challenge.scopes(exchange, scopes) } }),
    stream: () => openEventStream(exchange, unreadStreamBytes),
  };
  try {
    await endpoint.handle(new Handover(exchange, caller, body, reply));
  } catch (error) {
    logger.error({ err: error }, 'the endpoint failed');
  }
  // a client must not wait for an answer that will not come
  if (!response.headersSent) send(exchange, FAULT);
}

/**
 * A class, since V8 keeps the getter of an object literal, and the whole exchange with it, until the next full
 * collection: that made the process half as large again.
 */
class Handover implements McpExchange {
  readonly body: Buffer;
  readonly headers: McpExchange['headers'];
  readonly principal: Principal;
  readonly scopes: Recognized['scopes'];
  readonly expiresAtMs: number;
  readonly sourceAddress: string;
  readonly reply: McpReply;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, caller: Recognized, body: Buffer, reply: McpReply) {
    this.body = body;
    this.headers = exchange.request.headers;
    this.principal = caller.principal;
    this.scopes = caller.scopes;
    this.expiresAtMs = caller.expiresAtMs;
    this.sourceAddress = exchange.address;
    this.reply = reply;
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    return leavingSignal(this.#exchange);
  }
}

/** Made when it is asked for: it costs more than the rest of the edge. */
function leavingSignal(exchange: Exchange): AbortSignal {
  exchange.leaving ??= new AbortController();
  if (exchange.state === 'left') exchange.leaving.abort();
  return exchange.leaving.signal;
}

const NO_STORE = { 'Cache-Control': 'no-store' };
/** The call that it answers is on record itself. */
const INSUFFICIENT_SCOPE = {
  status: 403,
  contentType: 'application/json',
  body: JSON.stringify({
    error: {
      code: 'FORBIDDEN',
      message: 'The token is not for this call.',
      hint: 'Ask for a token with the scopes that WWW-Authenticate names.',
    },
  }),
};
const FAULT = {
  status: 500,
  contentType: 'application/json',
  body: '{"error":{"code":"INTERNAL","message":"Something went wrong inside Howdah."}}',
  headers: NO_STORE,
};
