import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { compileNetworks } from '../core/networks.ts';

/** The address of the caller; empty when the connection is already gone. */
export type ClientAddresses = (request: IncomingMessage) => string;

/**
 * The caller is who connected, unless that is a trusted proxy: then it is the rightmost address of X-Forwarded-For that
 * is no trusted proxy. `Forwarded` is not read: a proxy that writes one of the two passes the other on as the caller
 * sent it.
 */
export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  if (trustedProxies.length === 0) return peerOf;
  const isTrusted = compileNetworks(trustedProxies);
  return (request) => {
    const peer = peerOf(request);
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined || !isTrusted(peer)) return peer;
    return rightmostUntrusted(String(forwarded), peer, isTrusted);
  };
}

function rightmostUntrusted(forwarded: string, peer: string, isTrusted: (address: string) => boolean): string {
  let nearest = peer;
  for (const hop of forwarded.split(',').toReversed()) {
    const address = parseHop(hop.trim());
    // what a trusted proxy did not write as an address says nothing of what stands before it
    if (address === undefined) return nearest;
    if (!isTrusted(address)) return address;
    nearest = address;
  }
  return nearest;
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): string | undefined {
  const [, v6, v4] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/i.exec(hop) ?? [];
  const address = v6 ?? v4 ?? hop;
  return isIP(address) === 0 ? undefined : unmap(address);
}

function peerOf({ socket }: IncomingMessage): string {
  return unmap(socket.remoteAddress ?? '');
}

/** A socket for both families shows IPv4 as `::ffff:192.0.2.1`. */
function unmap(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
