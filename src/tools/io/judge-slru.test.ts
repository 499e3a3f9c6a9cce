import { expect, it } from 'vitest';
import { judgeSlru } from './judge-slru.ts';
import type { SlruRow } from './slru-row.ts';

const row: SlruRow = {
  name: 'subtransaction',
  blks_hit: 900_000,
  blks_read: 100_000,
  hit_percent: 90,
  reads_per_s: 100,
  blks_zeroed: 0,
  blks_written: 0,
  blks_exists: 0,
  flushes: 0,
  truncates: 0,
  buffers: 32,
  counted_since: '2026-01-01T00:00:00Z',
};
const session = { pid: 1, user: 'a', database: 'b', application: '', subtransactions: 64, transaction_s: 1 };
const input = { min_reads_per_s: 100, min_hit_percent: 99 };
const evidence = { input, overflowed: [session], facts: { service: null, major: 18 } };

it.each<[string, Partial<SlruRow>, number]>([
  ['many reads', {}, 1],
  ['few reads', { reads_per_s: 99.99 }, 0],
  ['hardly any misses', { hit_percent: 99 }, 0],
  ['no access', { hit_percent: null, reads_per_s: 0 }, 0],
  ['a time that is not known', { reads_per_s: null }, 0],
  ['a cache that nobody waits for', { name: 'notify' }, 0],
  ['a name before PostgreSQL 17', { name: 'MultiXactOffset', buffers: null }, 1],
])('judges %s', (_, more, findings) => {
  expect(judgeSlru([{ ...row, ...more }], evidence)).toHaveLength(findings);
});

function judged(more: Partial<SlruRow>, major: number) {
  return judgeSlru([{ ...row, ...more }], { ...evidence, facts: { service: null, major } })[0];
}

it('looks for savepoints first, and enlarges the cache where that can be done', () => {
  expect(judged({}, 18)?.next_step).toMatch(
    /pg_stat_get_backend_subxact[^]*ALTER SYSTEM SET subtransaction_buffers = 64;/,
  );
  expect(judged({ name: 'Subtrans', buffers: null }, 15)?.next_step).toMatch(
    /xact_start[^]*-- its size is fixed before PostgreSQL 17/,
  );
  expect(judged({ name: 'multixact_member' }, 17)?.next_step).toMatch(
    /^ALTER SYSTEM SET multixact_member_buffers = 64;/,
  );
});

it('counts the sessions that overflowed, where PostgreSQL tells', () => {
  expect(judged({}, 16)?.evidence).toMatchObject({ sessions_overflowed: 1, reads_per_s: 100 });
  expect(judged({}, 15)?.evidence).not.toHaveProperty('sessions_overflowed');
});
