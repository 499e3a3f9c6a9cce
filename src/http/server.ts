import type { Finding } from '../contract/finding.ts';
import type { Config } from '../config/schema.ts';
import type { Callers } from '../identity/callers.ts';
import type { McpEndpoint } from '../mcp/http/endpoint.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { logAccess, statusOf } from './access-log.ts';
import { createAuthenticator } from './authenticate.ts';
import { createBacklog } from './backlog.ts';
import { createBaseUrl } from './base-url.ts';
import { createBodyReader } from './body.ts';
import { createChallenge } from './challenge.ts';
import { createClientErrorHandler } from './client-error.ts';
import { trackConnections } from './connections.ts';
import { closeListener, drainConnections } from './drain.ts';
import { createEdge } from './edge.ts';
import type { Exchange, Site } from './exchange.ts';
import { LIMITS, type HttpLimits } from './limits.ts';
import { listen } from './listen.ts';
import { openMetricsListener } from './metrics-listener.ts';
import { createNodeServer } from './node-server.ts';
import type { Refusals } from './refusals.ts';
import type { Route } from './route.ts';
import { createReadyRoute, healthRoute } from './routes/health.ts';
import { createHomeRoute } from './routes/home.ts';
import { createMcpRoute } from './routes/mcp.ts';
import { createProtectedResourceRoute, METADATA_PATH } from './routes/protected-resource.ts';
import { siteHeaders } from './site-headers.ts';
import { readTlsFiles } from './tls-files.ts';

export interface HttpServerParts {
  readonly config: Pick<Config, 'http' | 'telemetry'>;
  readonly endpoint: McpEndpoint;
  readonly callers: Callers;
  /** Shared with the endpoint, whose refusals are counted with those of the edge. */
  readonly refusals: Refusals;
  readonly logger: Logger;
  /** Without it nothing listens for /metrics. */
  readonly metrics?: Metrics | undefined;
  /** Whether calls can be served now. */
  readonly isReady: () => boolean | Promise<boolean>;
  /** What the page at `/` shows beside how to connect. */
  readonly home?: (() => readonly Finding[]) | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

export interface HttpServer {
  /** The address that it listens on, such as `http://127.0.0.1:7432`; MCP is at `/mcp`. */
  readonly url: string;
  /** The address of /metrics; undefined when there is none. */
  readonly metricsUrl: string | undefined;
  /**
   * Takes no more connections, ends subscriptions, lets requests under way finish, and resolves when all is closed and
   * the refusals are on record, after `limits.drainMs` by force.
   */
  drain(): Promise<void>;
}

/** Listens. Fails with CONFIG_INVALID. */
export async function openHttpServer(parts: HttpServerParts): Promise<HttpServer> {
  const { config, endpoint, refusals, logger, metrics } = parts;
  const { http } = config;
  const limits = { ...LIMITS, ...parts.limits };
  const tls = http.tls && (await readTlsFiles(http.tls));
  const server = createNodeServer(limits, tls);
  const connections = trackConnections(server);
  const site: Site = {
    headers: siteHeaders(tls !== undefined),
    backlog: createBacklog(limits),
    connections,
    refusals,
    isDraining: false,
    held: undefined,
    streams: 0,
  };
  const logsAccess = ['debug', 'info'].includes(config.telemetry.log_level);

  const onClosed = (exchange: Exchange) => {
    metrics?.answered(exchange.route, statusOf(exchange));
    if (logsAccess) logAccess(logger, exchange);
  };
  const onError = (error: unknown) => logger.error({ err: error }, 'a request failed inside Howdah');
  const edge = createEdge({ http, limits, site, routes: routesOf(parts, limits), onClosed, onError });
  server.on('request', edge);
  // node would ask for every body before anyone has looked at the headers
  server.on('checkContinue', edge);
  // and answer every other expectation itself, past all limits; it need not be met (RFC 9110 §10.1.1)
  server.on('checkExpectation', edge);
  server.on('clientError', createClientErrorHandler(connections, refusals));

  const metricsListener = await openMetrics(parts);
  const host = await listen(server, 'http.listen', http.listen).catch(async (error: unknown) => {
    await metricsListener?.close();
    throw error;
  });
  metrics?.watch('http_connections', () => connections.count());
  metrics?.watch('http_streams', () => site.streams);

  async function drain(): Promise<void> {
    site.isDraining = true;
    endpoint.close();
    const closing = closeListener(server);
    site.held = closing.then(() => undefined);
    await drainConnections(await closing, connections, limits);
    await Promise.all([refusals.flush(), metricsListener?.close()]);
  }
  let draining: Promise<void> | undefined;
  return {
    url: `${tls ? 'https' : 'http'}://${host}`,
    metricsUrl: metricsListener?.url,
    drain: () => (draining ??= drain()),
  };
}

function routesOf(
  { config: { http }, endpoint, callers, logger, isReady, home }: HttpServerParts,
  limits: HttpLimits,
): ReadonlyMap<string, Route> {
  const baseUrl = createBaseUrl(http);
  const metadata = createProtectedResourceRoute(baseUrl, () => callers.authorizationServers());
  const mcp = createMcpRoute({
    endpoint,
    authenticate: createAuthenticator(callers),
    challenge: createChallenge(baseUrl, () => callers.authorizationServers()),
    readBody: createBodyReader(limits),
    unreadStreamBytes: limits.unreadStreamBytes,
    logger,
  });
  return new Map([
    ['/mcp', mcp],
    ['/', createHomeRoute({ baseUrl, needsKey: () => callers.anonymous() === undefined, findings: home })],
    ['/healthz', healthRoute],
    ['/readyz', createReadyRoute(isReady)],
    [METADATA_PATH, metadata],
    ['/.well-known/oauth-protected-resource', metadata],
  ]);
}

async function openMetrics({ config: { http, telemetry }, metrics }: HttpServerParts) {
  const address = telemetry.metrics.listen;
  if (metrics === undefined || address === 'off') return undefined;
  return openMetricsListener(address, metrics, http);
}
