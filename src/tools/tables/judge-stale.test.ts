import { describe, expect, it } from 'vitest';
import { judgeStale } from './judge-stale.ts';
import type { StaleTable } from './stale-table.ts';

const row: Omit<StaleTable, 'total_rows'> = {
  schema: 'public',
  table: 'orders',
  kind: 'table',
  reasons: ['never_analyzed'],
  rows: 10_000,
  n_live_tup: 10_000,
  n_mod_since_analyze: 0,
  changed_percent: 0,
  last_analyze: null,
  last_autoanalyze: null,
  columns_without: 2,
  not_built: [],
  targets: [],
  size: null,
  counted: true,
  remote_estimate: false,
};
const judge = (change: Partial<typeof row>) => judgeStale([{ ...row, ...change }], { min_rows: 10_000 });

describe('judgeStale', () => {
  it.each<[string, Partial<typeof row>, RegExp]>([
    ['was counted and never analysed', {}, /knows nothing of what is in its columns/],
    ['was empty when it was analysed', { last_analyze: '2026-01-01T00:00:00Z' }, /was empty when it was analysed, so/],
    ['nobody has counted', { rows: null, size: 1_048_576 }, /never vacuumed or analysed, so the planner guesses/],
    ['is partitioned and was never analysed', { kind: 'partitioned_table' }, /never analysed as a whole/],
    [
      'is partitioned and has outgrown what is known of it',
      { kind: 'partitioned_table', reasons: ['changed'], changed_percent: 50 },
      /50 % more or fewer/,
    ],
    ['is elsewhere', { kind: 'foreign_table', rows: null, n_live_tup: null }, /foreign table that was never analysed/],
    ['got a column later', { reasons: ['columns'], columns_without: 1 }, /has 1 column without statistics/],
    ['has an index on an expression', { reasons: ['expressions'], not_built: ['lower'] }, /never built: "lower"/],
  ])('reports a table that %s', (_, change, claim) => {
    expect(judge(change)).toMatchObject([{ severity: 'notice', claim: expect.stringMatching(claim) }]);
    expect(judge(change)[0]?.next_step).toMatch(/^ANALYZE "public"."orders";/);
  });

  it.each<[string, Partial<typeof row>]>([
    ['is small', { rows: 9999, n_live_tup: 9999 }],
    ['nobody has counted, and is small', { rows: null, size: 1_048_575, n_live_tup: 0 }],
    [
      'has grown by less than half in its partitions',
      { kind: 'partitioned_table', reasons: ['changed'], changed_percent: 49 },
    ],
    ['is elsewhere, where the planner asks', { kind: 'foreign_table', remote_estimate: true }],
    ['has changed, which autovacuum judges', { reasons: ['changed'], changed_percent: 99 }],
  ])('says nothing of a table that %s', (_, change) => {
    expect(judge(change)).toEqual([]);
  });
});
