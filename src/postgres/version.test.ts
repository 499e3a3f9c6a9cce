import { expect, it } from 'vitest';
import { byExtensionVersion, byServerVersion, compareVersions, pickVariant } from './version.ts';
import { sql } from './sql.ts';

it('compares by number, not by letter', () => {
  expect(compareVersions('1.9', '1.10')).toBeLessThan(0);
  expect(compareVersions('1.10', '1.10.0')).toBe(0);
  expect(compareVersions('18', '9')).toBeGreaterThan(0);
});

it('picks the newest that is not above the running version', () => {
  const old = sql`old`;
  const recent = sql`recent`;
  const { entries } = byServerVersion({ 12: old, 16: recent });
  expect(pickVariant(entries, '15')).toBe(old);
  expect(pickVariant(entries, '16')).toBe(recent);
  expect(pickVariant(entries, '18')).toBe(recent);
  expect(pickVariant(entries, '11')).toBeUndefined();
});

it('orders the variants of an extension whatever the order of writing', () => {
  const { entries } = byExtensionVersion('x', { '1.10': sql`b`, '1.8': sql`a`, '1.9': sql`c` });
  expect(entries.map(([since]) => since)).toEqual(['1.8', '1.9', '1.10']);
});
