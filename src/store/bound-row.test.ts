import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bindRow, digestRow, isBound } from './bound-row.ts';
import { createKeyRing } from './key-ring.ts';

const key = randomBytes(48);
const keys = createKeyRing([key]);
const EVENT = randomUUID();
const ROW = { id: 'a', roles: ['dba'], expires_at: new Date(1e12), note: null };
const bound = { event_id: EVENT, ...bindRow(keys, 'api_key', ROW, EVENT) };

describe('a bound row', () => {
  it('is recognised, in whatever order its columns come and when its times are texts', () => {
    const read = { note: null, expires_at: '2001-09-09T01:46:40.000Z', roles: ['dba'], id: 'a' };
    expect(isBound(keys, 'api_key', read, bound)).toBe(true);
    expect(digestRow('api_key', read)).toBe(bound.digest);
  });

  it('is recognised after another key came into force', () => {
    expect(isBound(createKeyRing([randomBytes(48), key]), 'api_key', ROW, bound)).toBe(true);
  });

  it.each([
    ['whose column was changed', 'api_key', { ...ROW, roles: ['admin'] }, bound],
    ['that has one column more', 'api_key', { ...ROW, extra: null }, bound],
    ['of another table', 'persona', ROW, bound],
    ['of another event', 'api_key', ROW, { ...bound, event_id: randomUUID() }],
    [
      'whose code is another one',
      'api_key',
      ROW,
      { ...bound, mac: bound.mac.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) },
    ],
    ['without a code', 'api_key', ROW, { ...bound, mac: '' }],
    ['of a key that is not known', 'api_key', ROW, { ...bound, key_id: 'other' }],
  ])('is not one %s', (_, table, row, binding) => {
    expect(isBound(keys, table, row, binding)).toBe(false);
  });

  it('is not one that somebody without the key has bound', () => {
    const other = createKeyRing([randomBytes(48)]);
    expect(isBound(keys, 'api_key', ROW, { event_id: EVENT, ...bindRow(other, 'api_key', ROW, EVENT) })).toBe(false);
  });
});
