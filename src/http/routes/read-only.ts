import { refuse } from '../answer.ts';
import type { Route } from '../route.ts';

/** Serves GET and HEAD and refuses what else there is. */
export function readOnly(serve: Route['serve']): Route['serve'] {
  return (exchange) => {
    const { method } = exchange.request;
    if (method === 'GET' || method === 'HEAD') return serve(exchange);
    refuse(exchange, 'method', { headers: { Allow: 'GET, HEAD' } });
  };
}
