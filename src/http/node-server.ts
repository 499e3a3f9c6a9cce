import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { HttpLimits } from './limits.ts';
import type { TlsFiles } from './tls-files.ts';

const TLS_HANDSHAKE_MS = 10_000;

/** A server of node:http or node:https with the limits of the edge; it does not listen yet. */
export function createNodeServer(limits: HttpLimits, tls: TlsFiles | undefined): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    insecureHTTPParser: false,
    // the rule of hosts refuses it, and is on record
    requireHostHeader: false,
  };
  const server = tls
    ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: TLS_HANDSHAKE_MS })
    : createServer(options);
  server.maxHeadersCount = limits.headers;
  server.maxConnections = limits.connections;
  return server;
}
