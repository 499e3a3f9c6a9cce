import { expect, it } from 'vitest';
import { bindRow, isBound } from './bound-row.ts';
import { createKeyRing } from './key-ring.ts';

const keys = createKeyRing([Buffer.alloc(32, 1)]);
const row = { name: 'support', version: 2, spec: { tools: { allow: ['x'] } }, reason: null };
const { digest, ...mac } = bindRow(keys, 't', row, 'e1');
const binding = { event_id: 'e1', ...mac };

it('knows a row that it bound, in whatever order its keys come, also under a newer key', () => {
  const { version, ...others } = row;
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(isBound(keys, 't', { ...others, version }, binding)).toBe(true);
  const newer = createKeyRing([Buffer.alloc(32, 2), Buffer.alloc(32, 1)]);
  expect(isBound(newer, 't', row, binding)).toBe(true);
});

it.each([
  ['another value', 't', { ...row, version: 3 }, binding],
  ['a value more', 't', { ...row, until: null }, binding],
  ['another table', 'u', row, binding],
  ['another event', 't', row, { ...binding, event_id: 'e2' }],
  ['another code', 't', row, { ...binding, mac: binding.mac.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }],
  ['no code', 't', row, { ...binding, mac: '' }],
  ['a key that is not known', 't', row, { ...binding, key_id: 'x' }],
])('does not know a row with %s', (_, table, other, given) => {
  expect(isBound(keys, table, other, given)).toBe(false);
});
