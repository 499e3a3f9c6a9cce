import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/schema.ts';
import { createAllowances } from '../core/allowance.ts';
import { networkOf } from '../core/networks.ts';
import { refuse, send } from './answer.ts';
import { createClientAddresses } from './client-address.ts';
import type { Exchange, Site } from './exchange.ts';
import { createHostRule } from './host-rule.ts';
import type { HttpLimits } from './limits.ts';
import { createOriginRule } from './origin-rule.ts';
import type { Route } from './route.ts';

export interface EdgeParts {
  readonly http: Config['http'];
  readonly limits: HttpLimits;
  readonly site: Site;
  /** By path. */
  readonly routes: ReadonlyMap<string, Route>;
  /** Told of each exchange when it is over. */
  readonly onClosed: (exchange: Exchange) => void;
  readonly onError: (error: unknown) => void;
}

/** What every request passes, in this order, before its route sees it. */
export function createEdge({ http, limits, site, routes, onClosed, onError }: EdgeParts) {
  const isOurHost = createHostRule(http);
  const judgeOrigin = createOriginRule(http);
  const addressOf = createClientAddresses(http.trusted_proxies);
  const requests = createAllowances();
  const { connections } = site;

  return (request: IncomingMessage, response: ServerResponse): void => {
    // one of several that came together with what closed the connection, or it crossed with the end of it
    if (!connections.takesRequests(request.socket)) return void request.resume();
    const route = routes.get(pathOf(request));
    const exchange = open(request, response, route);
    const onOver = () => end(exchange);
    response.on('close', onOver);

    if (connections.begin(request.socket, response, onOver) > limits.pipelined) {
      site.refusals.add({ reason: 'pipelined', address: exchange.address });
      request.socket.destroy();
      return;
    }
    // node leaves out what is beyond the limit, an Origin too
    if (request.rawHeaders.length >= 2 * limits.headers) return refuse(exchange, 'headers_too_large');

    if (!isOurHost(request)) return refuse(exchange, 'host');

    const origin = route?.isForEveryOrigin === true ? 'none' : judgeOrigin(request);
    if (origin === 'refused') return refuse(exchange, 'origin');
    if (origin === 'listed') exchange.corsOrigin = request.headers.origin;

    const left = requests.take(networkOf(exchange.address), http.requests_per_minute);
    if (left < 0)
      return refuse(exchange, 'too_many_requests', { retryAfterS: (-left * 60) / http.requests_per_minute });

    if (!route) return refuse(exchange, 'not_found');
    void serve(route, exchange);
  };

  function open(request: IncomingMessage, response: ServerResponse, route: Route | undefined): Exchange {
    return {
      site,
      request,
      response,
      address: addressOf(request),
      route: route?.name ?? 'none',
      startedMs: performance.now(),
      principal: undefined,
      corsOrigin: undefined,
      leaving: undefined,
      state: 'open',
      bytes: 0,
    };
  }

  function end(exchange: Exchange): void {
    if (exchange.state !== 'open') return;
    const { request, response, leaving } = exchange;
    exchange.state = response.writableEnded && !request.socket.destroyed ? 'answered' : 'left';
    connections.end(request.socket, response);
    if (exchange.state === 'left') leaving?.abort();
    onClosed(exchange);
  }

  async function serve(route: Route, exchange: Exchange): Promise<void> {
    try {
      if (site.held) await site.held;
      await route.serve(exchange);
    } catch (error) {
      onError(error);
      if (exchange.response.headersSent) exchange.response.destroy();
      else send(exchange, { status: 500, headers: { 'Cache-Control': 'no-store' } });
    }
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}
