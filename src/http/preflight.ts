import { send } from './answer.ts';
import type { Exchange } from './exchange.ts';

const ALLOWED_HEADERS = new Set(['authorization', 'content-type', 'accept', 'last-event-id', 'traceparent']);
const MAX_AGE_S = 600;

/** Whether a browser asks, for a listed page, what the page may send (https://fetch.spec.whatwg.org/#cors-preflight-fetch). */
export function isPreflight({ request, corsOrigin }: Exchange): boolean {
  const { method, headers } = request;
  return method === 'OPTIONS' && corsOrigin !== undefined && headers['access-control-request-method'] !== undefined;
}

/** Of the headers that the page wants to send, those of the protocol are allowed. */
export function answerPreflight(exchange: Exchange, methods: string): void {
  const wanted = (exchange.request.headers['access-control-request-headers'] ?? '').toLowerCase();
  const allowed = wanted
    .split(',')
    .map((name) => name.trim())
    .filter((name) => ALLOWED_HEADERS.has(name) || /^mcp-[a-z0-9-]{1,64}$/.test(name));
  send(exchange, {
    status: 204,
    headers: {
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': allowed.join(', '),
      'Access-Control-Max-Age': String(MAX_AGE_S),
    },
  });
}
