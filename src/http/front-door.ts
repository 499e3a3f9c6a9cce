import type { Catalog } from '../calls/catalog.ts';
import { executeCall, type CallDeps } from '../calls/execute.ts';
import type { Config } from '../config/schema.ts';
import type { Finding } from '../contract/finding.ts';
import type { Callers } from '../identity/callers.ts';
import { createMcpEndpoint } from '../mcp/http/endpoint.ts';
import { headerOf } from '../mcp/http/exchange.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { isStillAuthentic } from './authenticate.ts';
import { createRefusals } from './refusals.ts';
import { openHttpServer, type HttpServer } from './server.ts';

export interface FrontDoorParts {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly deps: CallDeps;
  readonly callers: Callers;
  /** Of Howdah. */
  readonly version: string;
  /** What the page at `/` shows beside how to connect. */
  readonly home?: (() => readonly Finding[]) | undefined;
}

/** MCP over HTTP, with its metrics and its log of what was refused. */
export interface FrontDoor extends HttpServer {
  /** Tells subscribers that their lists may have changed, and ends the streams of those who may not call any more. */
  listsChanged(): void;
}

/** Listens. On record before it does: under which rules, and for whom. */
export async function openFrontDoor(parts: FrontDoorParts): Promise<FrontDoor> {
  const { config, catalog, deps, callers, version, home } = parts;
  const { audit, logger, policy } = deps;
  const metrics = config.telemetry.metrics.listen === 'off' ? undefined : createMetrics();
  const refusals = createRefusals({ audit, logger, metrics });
  const counted = { ...deps, metrics };
  const endpoint = createMcpEndpoint({
    catalog,
    version,
    call: (request) => executeCall(request, counted),
    isStillAuthentic: ({ headers, sourceAddress }) =>
      isStillAuthentic(callers, headerOf(headers, 'authorization'), sourceAddress),
    onRefused: ({ sourceAddress, principal }, detail) =>
      refusals.add({ reason: 'protocol', detail, address: sourceAddress, principal }),
    onFault: (error) => logger.error({ err: error }, 'a request failed inside Howdah'),
  });
  await audit.record({
    kind: 'configuration',
    operation: 'serve',
    outcome: 'OK',
    policy_version: policy.version,
    details: {
      listen: config.http.listen,
      personas: policy.personas().map(({ name }) => name),
      issuers: config.auth.oidc.map(({ issuer }) => issuer),
      key_ids: config.auth.api_keys.map(({ id }) => id),
      anonymous_persona: config.auth.anonymous?.persona ?? null,
    },
  });
  const server = await openHttpServer({
    config,
    endpoint,
    callers,
    refusals,
    logger,
    metrics,
    isReady: () => audit.isWritable(),
    home,
  });
  return { ...server, listsChanged: () => endpoint.listsChanged() };
}
