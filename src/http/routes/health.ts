import { send } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../route.ts';
import { readOnly } from './read-only.ts';

/** `/healthz`: the process answers. */
export const healthRoute: Route = { name: 'healthz', serve: readOnly((exchange) => say(exchange, 200, 'ok')) };

/** `/readyz`: requests should be sent here. A question that fails is a no. */
export function createReadyRoute(isReady: () => boolean | Promise<boolean>): Route {
  return {
    name: 'readyz',
    serve: readOnly(async (exchange) => {
      const ready = !exchange.site.isDraining && (await ask(isReady));
      say(exchange, ready ? 200 : 503, ready ? 'ready' : 'not ready');
    }),
  };
}

async function ask(isReady: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isReady();
  } catch {
    return false;
  }
}

function say(exchange: Exchange, status: number, text: string): void {
  send(exchange, {
    status,
    contentType: 'text/plain; charset=utf-8',
    body: `${text}\n`,
    headers: { 'Cache-Control': 'no-store' },
  });
}
