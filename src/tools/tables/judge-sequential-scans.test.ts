import { describe, expect, it } from 'vitest';
import { judgeSequentialScans, scansElsewhere } from './judge-sequential-scans.ts';
import type { ScanRow } from './scan-row.ts';

const row: ScanRow = {
  schema: 'shop',
  table: "o'rders",
  size: 104_857_600,
  size_estimated: false,
  rows: 1_000_000,
  seq_scan: 100,
  last_seq_scan: null,
  seq_tup_read: 1_000_000,
  rows_per_scan: 10_000,
  scans_per_day: 24,
  read_size_per_s: 1,
  idx_scan: null,
  seq_percent: 100,
  partitions: null,
};
const about = { counted_since: null, counted_s: 600, track_counts: true, statements_view: 'ext.pg_stat_statements' };
const input = { min_size: 104_857_600, min_scans_per_day: 24, min_rows: 10_000 };
const judge = (change: Partial<ScanRow>) => judgeSequentialScans([{ ...row, ...change }], { input, about });

describe('judgeSequentialScans', () => {
  it('reports what is large, often read and nearly all of it, with the statements to look at', () => {
    expect(judge({})).toMatchObject([
      {
        severity: 'notice',
        object: `"shop"."o'rders"`,
        next_step: expect.stringContaining(`FROM ext.pg_stat_statements WHERE strpos(query, 'o''rders') > 0`),
      },
    ]);
    expect(judge({})[0]?.next_step).not.toMatch(/CREATE INDEX/);
  });

  it.each([
    ['a smaller table', { size: 104_857_599 }],
    ['a backup each night', { scans_per_day: 1 }],
    ['a handful of scans', { seq_scan: 99 }],
    ['a scan that ends at its LIMIT', { rows_per_scan: 9999 }],
  ])('does not report %s', (_, change) => {
    expect(judge(change)).toEqual([]);
  });

  it('goes by the number of scans where nobody knows since when they are counted', () => {
    expect(judge({ scans_per_day: null })).toHaveLength(1);
  });

  it('warns of what keeps a disk busy', () => {
    expect(judge({ read_size_per_s: 104_857_599 })).toMatchObject([{ severity: 'notice' }]);
    const heavy = { ...row, read_size_per_s: 104_857_600 };
    expect(judge(heavy)).toMatchObject([{ severity: 'warning' }]);
    const brief = { ...about, counted_s: 599 };
    expect(judgeSequentialScans([heavy], { input, about: brief })).toMatchObject([{ severity: 'notice' }]);
  });

  it('makes one of many, and looks at the statements of all', () => {
    const many = Array.from({ length: 6 }, (_, n) => ({ ...row, table: `t${n}` }));
    expect(judgeSequentialScans(many, { input, about })).toMatchObject([
      { next_step: expect.stringMatching(/^SELECT \* FROM ext.pg_stat_statements/) },
    ]);
    expect(judgeSequentialScans(many, { input, about: null })).toMatchObject([
      { next_step: expect.stringContaining('pg_stat_activity') },
    ]);
  });
});

it('says what a lock and a standby keep from us', () => {
  expect(scansElsewhere([row], false)).toEqual([]);
  expect(scansElsewhere([{ ...row, size_estimated: true }], true)).toMatchObject([
    { what: `the exact size of "shop"."o'rders"` },
    { what: 'scans on the primary and on other standbys' },
  ]);
});
