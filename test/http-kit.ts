/** The HTTP listener around a small endpoint, with a real audit log. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openAuditFile } from '../src/audit/file.ts';
import { Config } from '../src/config/schema.ts';
import { createRefusals } from '../src/http/refusals.ts';
import { openHttpServer, type HttpServer, type HttpServerParts } from '../src/http/server.ts';
import { createApiKey } from '../src/identity/api-key.ts';
import type { Principal } from '../src/contract/principal.ts';
import { compileCallers } from '../src/identity/callers.ts';
import type { McpEndpoint, McpExchange } from '../src/mcp/http/endpoint.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

export interface Site extends HttpServer {
  readonly port: number;
  /** A valid key. */
  readonly key: string;
  /** What the endpoint was handed. */
  readonly exchanges: readonly McpExchange[];
  /** Lines of the log. */
  readonly log: readonly Record<string, unknown>[];
  /** Drains, and gives the `refused` events. */
  refused(): Promise<readonly Record<string, unknown>[]>;
  /** Drains, and gives how often each reason was refused. */
  reasons(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export interface SiteOptions extends Partial<Pick<HttpServerParts, 'limits' | 'isReady' | 'home'>> {
  readonly anonymous?: Principal;
  readonly http?: Record<string, unknown>;
  readonly apiKey?: Record<string, unknown>;
  readonly logLevel?: 'info' | 'warn';
  readonly metrics?: boolean;
  readonly handle?: (exchange: McpExchange) => Promise<void> | void;
  readonly onClose?: () => void;
}

export const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}';
export const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}';

/** Opens sites that are closed after the test. */
export function useSites(): (options?: SiteOptions) => Promise<Site> {
  let sites: Site[] = [];
  afterEach(async () => {
    await Promise.all(sites.map((site) => site.close()));
    sites = [];
  });
  return async (options) => {
    const site = await openSite(options);
    sites.push(site);
    return site;
  };
}

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const {
    http,
    apiKey,
    logLevel = 'warn',
    metrics: hasMetrics = false,
    anonymous,
    handle,
    onClose,
    ...parts
  } = options;
  const directory = mkdtempSync(join(tmpdir(), 'howdah-http-'));
  const audit = await openAuditFile({ directory, version: '0.0.0' });
  const { key, id, hash } = createApiKey();
  const config = Config.parse({
    http: { listen: '127.0.0.1:0', ...http },
    auth: { api_keys: [{ id, hash, name: 'ada', roles: ['dba'], ...apiKey }] },
    telemetry: { log_level: logLevel, metrics: { listen: hasMetrics ? '127.0.0.1:0' : 'off' } },
  });
  const log: Record<string, unknown>[] = [];
  const logger = createLogger(logLevel, { isTerminal: false, write: (line) => log.push(JSON.parse(line)) });
  const metrics = hasMetrics ? createMetrics() : undefined;
  const refusals = createRefusals({ audit, logger, metrics });
  const exchanges: McpExchange[] = [];
  const endpoint: McpEndpoint = {
    async handle(exchange) {
      exchanges.push(exchange);
      if (handle) await handle(exchange);
      else exchange.reply.send(200, ANSWER);
    },
    listsChanged: () => undefined,
    close: () => onClose?.(),
  };
  const callers = { ...compileCallers(config.auth), anonymous: () => anonymous };
  const server = await openHttpServer({
    config,
    endpoint,
    callers,
    refusals,
    logger,
    metrics,
    isReady: () => true,
    ...parts,
    limits: { drainIdleMs: 20, ...parts.limits },
  });
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= server.drain().then(() => audit.close()));
  const refused = async () => {
    await close();
    const lines = readdirSync(directory).flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'));
    return lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ kind }) => kind === 'refused');
  };
  return {
    ...server,
    port: Number(new URL(server.url).port),
    key,
    exchanges,
    log,
    refused,
    reasons: async () =>
      Object.assign({}, ...(await refused()).map(({ details }) => (details as { reasons: object }).reasons)),
    close: async () => {
      await close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  readonly localAddress?: string;
  readonly ca?: string;
}

/** One request on a connection of its own. */
export function ask({ url }: { readonly url: string }, { path = '/mcp', body, ...options }: Ask = {}): Promise<Reply> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** A call with the key, and what else is given. */
export function call(site: Site, { headers, ...rest }: Ask = {}): Promise<Reply> {
  const own = { authorization: `Bearer ${site.key}`, 'content-type': 'application/json' };
  return ask(site, { method: 'POST', body: CALL, ...rest, headers: { ...own, ...headers } });
}

/** The text of a call, for a socket. */
export function callText(site: Site, { headers = '', body = CALL } = {}): string {
  return `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${site.key}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export function dial(port: number, localAddress?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) }, () => {
      // a connection that is reset is what some tests are about
      socket.off('error', reject).on('error', () => undefined);
      resolve(socket);
    }).once('error', reject);
  });
}

/** Sends bytes as they are and gives all that comes until the connection closes. */
export async function talk(port: number, text: string): Promise<string> {
  const socket = await dial(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString();
}

export async function until(isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`It was not so within ${timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
