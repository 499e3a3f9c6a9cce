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

/** What limits count by: an IPv4 address, but of IPv6 the /64, since one host has all of it. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = (address.split('%', 1)[0] ?? '').split('::', 2);
  const left = groupsOf(head);
  const right = address.includes('::') ? groupsOf(tail) : [];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return `${[...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** An IPv4 address at the end stands for two groups, which lie beyond the first four. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
