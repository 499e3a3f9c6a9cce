import { createServer, type IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createHostRule } from './host-rule.ts';
import { listen } from './listen.ts';

export interface MetricsListener {
  readonly url: string;
  close(): Promise<void>;
}

/** `/metrics` for Prometheus, on a listener of its own: the figures are not for those who call. */
export async function openMetricsListener(
  address: string,
  metrics: Metrics,
  http: Pick<Config['http'], 'allowed_hosts'>,
): Promise<MetricsListener> {
  // a page that rebinds its own name to this machine must not read the figures either
  const isOurHost = createHostRule({ public_url: undefined, allowed_hosts: [address, ...http.allowed_hosts] });
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, requireHostHeader: false });
  server.maxConnections = 100;
  server.on('request', (request, response) => {
    answer(request, metrics, isOurHost).then(
      ({ status, contentType, text }) => {
        const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
        return response.writeHead(status, { 'Content-Type': contentType, ...headers }).end(text);
      },
      () => response.writeHead(500).end(),
    );
  });
  const host = await listen(server, 'telemetry.metrics.listen', address);
  return {
    url: `http://${host}/metrics`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, metrics: Metrics, isOurHost: (request: IncomingMessage) => boolean) {
  if (!isOurHost(request)) return say(403, 'An administrator can add this host to http.allowed_hosts.\n');
  if (request.url !== '/metrics') return say(404, 'The figures are at /metrics.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'Use GET.\n');
  return { status: 200, ...(await metrics.render()) };
}

function say(status: number, text: string) {
  return { status, contentType: 'text/plain; charset=utf-8', text };
}
