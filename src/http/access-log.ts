import type { Logger } from '../telemetry/logger.ts';
import type { Exchange } from './exchange.ts';

/** The status of a request whose client left before there was an answer; it was never sent. */
const CLIENT_CLOSED = 499;

export function statusOf({ response }: Exchange): number {
  return response.headersSent ? response.statusCode : CLIENT_CLOSED;
}

/** One line for a request: nothing of its query, its headers or its body. */
export function logAccess(logger: Logger, exchange: Exchange): void {
  const { request, route, address, principal, bytes, startedMs } = exchange;
  logger.info(
    {
      method: request.method,
      route,
      status: statusOf(exchange),
      duration_ms: Math.round((performance.now() - startedMs) * 1000) / 1000,
      bytes,
      address,
      ...(principal && { principal: `${principal.issuer}/${principal.subject}` }),
    },
    'request',
  );
}
