import { expect, it } from 'vitest';
import { compileNetworks } from './networks.ts';

const contains = compileNetworks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1']);

it.each([
  '10.0.0.0',
  '10.255.255.255',
  '192.0.2.7',
  '::ffff:10.1.2.3',
  '::ffff:a01:203',
  'fd12::1%eth0',
  '2001:DB8:0::1',
])('finds %s', (address) => {
  expect(contains(address)).toBe(true);
});

it.each([
  '11.0.0.0',
  '192.0.2.8',
  '::ffff:11.0.0.0',
  'fe00::1',
  '2001:db8::2',
  '',
  '10.0.0',
  '10.0.0.1/8',
  'localhost',
])('does not find %j', (address) => {
  expect(contains(address)).toBe(false);
});

it('holds nothing when there are no networks', () => {
  expect(compileNetworks([])('127.0.0.1')).toBe(false);
});
