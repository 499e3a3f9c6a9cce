import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { networkOf } from '../core/networks.ts';
import { createClientAddresses } from './client-address.ts';

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;
const behindProxies = createClientAddresses(['10.0.0.0/8', 'fd00::/8']);

it.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8::1', '2001:db8::1'],
])('takes a caller at %s for %s and does not believe its headers', (peer, address) => {
  const headers = { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=198.51.100.1' };
  expect(createClientAddresses([])(request(peer, headers))).toBe(address);
  expect(behindProxies(request(peer, headers))).toBe(address);
});

it.each([
  ['one proxy', '203.0.113.9', '203.0.113.9'],
  ['several proxies', '203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['a caller that made up the left end', '127.0.0.1, 203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['a caller inside', '10.9.9.9, 10.0.0.7', '10.9.9.9'],
  ['a port', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6 with a port', '[2001:db8::1]:4711', '2001:db8::1'],
  ['IPv6', '2001:db8::1', '2001:db8::1'],
  ['IPv4 written as IPv6', '::ffff:203.0.113.9', '203.0.113.9'],
  ['a name in the place of an address', '203.0.113.9, unknown', '10.0.0.1'],
  ['a name beyond a proxy', 'unknown, 10.0.0.7', '10.0.0.7'],
  ['nothing', '', '10.0.0.1'],
  ['commas', ',,,', '10.0.0.1'],
  ['an octet too many', '1.2.3.4.5', '10.0.0.1'],
])('finds the caller behind %s', (_, forwarded, address) => {
  expect(behindProxies(request('::ffff:10.0.0.1', { 'x-forwarded-for': forwarded }))).toBe(address);
});

it('does not read Forwarded, which a caller can send through a proxy that writes X-Forwarded-For', () => {
  const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=198.51.100.1' };
  expect(behindProxies(request('10.0.0.1', headers))).toBe('203.0.113.9');
  expect(behindProxies(request('10.0.0.1', { forwarded: 'for=198.51.100.1' }))).toBe('10.0.0.1');
});

it.each([
  ['203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:DB8:0001::9', '2001:db8:1:0::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:203.0.113.9', '1:2:3:4::/64'],
  ['', ''],
])('counts %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
