import { describe, expect, it } from 'vitest';
import { judgeStatements } from './judge-statements.ts';
import type { AboutStatements, StatementRow } from './statement-row.ts';

const GIB = 2 ** 30;
const row: StatementRow = {
  query_id: '42',
  statement: 'select $1',
  database: 'shop',
  user: 'app',
  calls: 1000,
  total_ms: 5000,
  mean_ms: 5,
  max_ms: 9,
  total_percent: 1,
  rows: 1000,
  hit_percent: 99,
  read_size: 0,
  temp_size: 0,
  wal_size: 0,
  io_ms: 0,
  temp_io_ms: 0,
  plans: 1000,
  planning_ms: 10,
  jit_ms: 0,
  top_level: true,
};
const about: AboutStatements = {
  since: '2026-01-01T00:00:00Z',
  tracked: 100,
  max_tracked: 5000,
  evictions: 0,
  all_ms: 500_000,
  extension_version: '1.11',
  track: 'all',
  track_planning: true,
  track_io_timing: true,
  texts_read: true,
};
const facts = { service: null };
const input = { dominating_percent: 30, min_total_ms: 5000, min_hit_percent: 90, slow_ms: 1000 };

describe('findings on statements', () => {
  it.each<[string, Partial<StatementRow>, string | undefined]>([
    ['an ordinary one', {}, undefined],
    ['one that takes a third of the time', { total_percent: 33 }, 'warning'],
    ['one that takes a little less than the threshold', { total_percent: 29.9 }, undefined],
    ['one that takes a third of hardly any time', { total_percent: 33, total_ms: 4999 }, undefined],
    ['a slow one', { mean_ms: 1001 }, 'notice'],
    ['one that was slow a few times', { mean_ms: 60_000, calls: 9 }, undefined],
    ['a heavy reader', { hit_percent: 50, read_size: GIB }, 'notice'],
    ['a light reader', { hit_percent: 50, read_size: 1000 }, undefined],
    ['a reader that touched nothing', { hit_percent: null, read_size: GIB }, undefined],
    ['one that spills', { temp_size: GIB }, 'notice'],
    ['one that is planned for longer than it runs', { planning_ms: 6000 }, 'notice'],
    ['one whose planning is not counted', { planning_ms: null, plans: null }, undefined],
  ])('judge %s', (_, more, severity) => {
    const findings = judgeStatements([{ ...row, ...more }], { input, about, facts });
    expect(findings.map((finding) => finding.severity)).toEqual(severity === undefined ? [] : [severity]);
  });

  it('name the statement by its id, as far as that is visible', () => {
    const [known] = judgeStatements([{ ...row, total_percent: 50 }], { input, about, facts });
    expect(known).toMatchObject({ object: 'query 42', evidence: { total_percent: 50, database: 'shop', user: 'app' } });
    const [hidden] = judgeStatements([{ ...row, total_percent: 50, query_id: null }], { input, about, facts });
    expect(hidden).not.toHaveProperty('object');
  });

  it('warn that counters of rare statements were lost', () => {
    expect(judgeStatements([], { input, about: { ...about, evictions: 3 }, facts })).toEqual([
      expect.objectContaining({
        severity: 'notice',
        next_step: expect.stringContaining('pg_stat_statements.max = 10000'),
      }),
    ]);
  });
});
