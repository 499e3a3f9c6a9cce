import { hasBody } from './body.ts';
import type { Exchange, Headers } from './exchange.ts';
import { REFUSALS, type RefusalReason } from './refusal.ts';

/** A refused body of at most this is read and thrown away, so that its connection can be used again. */
const SMALL_BODY_BYTES = 65_536;
/** For so long what a refused client still sends is thrown away: closing at once could lose the answer on its way. */
const LINGER_MS = 1000;

export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string | undefined;
  readonly headers?: Headers;
}

/** Sends the whole answer. Does nothing when one was begun already, or the client has gone. */
export function send(exchange: Exchange, answer: Answer): void {
  const { request, response, site } = exchange;
  if (response.headersSent || response.destroyed) return;
  begin(exchange, answer);
  if (answer.body === undefined || request.method === 'HEAD') response.end();
  else response.end(answer.body);
  site.backlog.watch(response);
}

/** Writes the head of an answer; of one that has a type and no body, the body follows as a stream. */
export function begin(exchange: Exchange, { status, contentType, body, headers }: Answer): void {
  const { request, response, site, corsOrigin } = exchange;
  const all: Record<string, string> = Object.assign({}, site.headers, headers);
  if (contentType !== undefined) all['Content-Type'] = contentType;
  if (body !== undefined) {
    exchange.bytes = Buffer.byteLength(body);
    all['Content-Length'] = String(exchange.bytes);
  } else if (contentType === undefined && status !== 204) {
    all['Content-Length'] = '0';
  }
  if (corsOrigin !== undefined) Object.assign(all, corsHeaders(corsOrigin));
  if (site.isDraining && site.connections.endAfter(request.socket, response)) response.shouldKeepAlive = false;
  response.writeHead(status, all);
}

export interface RefusalExtras {
  readonly headers?: Headers;
  readonly retryAfterS?: number;
  /** For the audit log, in words of ours. */
  readonly detail?: string | undefined;
}

/** Answers with an error, and counts it. */
export function refuse(exchange: Exchange, reason: RefusalReason, extras: RefusalExtras = {}): void {
  const { headers, retryAfterS, detail } = extras;
  const { status, ...error } = REFUSALS[reason];
  const { address, principal, site } = exchange;
  site.refusals.add({ reason, detail, address, principal });
  const answer = {
    status,
    contentType: 'application/json',
    body: JSON.stringify({ error }),
    headers: {
      'Cache-Control': 'no-store',
      ...(retryAfterS !== undefined && { 'Retry-After': String(Math.ceil(retryAfterS)) }),
      ...headers,
    },
  };
  if (isLittleToCome(exchange)) send(exchange, answer);
  else sendAndClose(exchange, answer);
}

/** Whether the rest of the request is small enough to be read. */
function isLittleToCome({ request }: Exchange): boolean {
  if (!hasBody(request) || request.complete) return true;
  return Number(request.headers['content-length'] ?? Infinity) <= SMALL_BODY_BYTES;
}

function sendAndClose(exchange: Exchange, answer: Answer): void {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) return;
  response.shouldKeepAlive = false;
  begin(exchange, answer);
  if (answer.body !== undefined && request.method !== 'HEAD') response.write(answer.body);
  else response.flushHeaders();
  const finish = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.once('end', finish).once('close', finish).resume();
}

/** What a listed page may read of an answer (https://fetch.spec.whatwg.org/#http-cors-protocol). */
function corsHeaders(origin: string): Headers {
  if (origin === '*') return { 'Access-Control-Allow-Origin': '*' };
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After',
    Vary: 'Origin',
  };
}
