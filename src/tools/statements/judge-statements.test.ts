import { describe, expect, it } from 'vitest';
import { judgeStatements, notRecorded } from './judge-statements.ts';
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

function gaps(more: Partial<AboutStatements>, major = 18, order_by = 'total_time'): (string | undefined)[][] {
  return notRecorded({ ...about, ...more }, { facts: { major, service: null }, input: { order_by } }).map(
    ({ what, remedy }) => [what, remedy],
  );
}

describe('what is not recorded', () => {
  it('is nothing when all is counted', () => {
    expect(gaps({})).toEqual([]);
  });

  it('depends on the version of the extension, which only a newer server may have', () => {
    const old = { extension_version: '1.7', since: null, evictions: null };
    expect(gaps(old, 17).map(([, remedy]) => remedy)).toEqual(
      Array(2).fill('ALTER EXTENSION pg_stat_statements UPDATE;'),
    );
    expect(gaps(old, 12).map(([, remedy]) => remedy)).toEqual([
      'PostgreSQL 13 has that version.',
      'PostgreSQL 14 has that version.',
    ]);
    expect(gaps({ extension_version: '1.8' })).toHaveLength(1);
    expect(gaps({ extension_version: '1.10' })).toEqual([]);
  });

  it('is nothing where settings are as they come, unless what they count is asked for', () => {
    const fresh = { track_io_timing: false, track_planning: false, track: 'top' };
    expect(gaps(fresh)).toEqual([]);
    expect(gaps(fresh, 18, 'planning')).toEqual([['planning times', expect.stringContaining('= on; -- slows down')]]);
    expect(gaps(fresh, 18, 'io')).toEqual([
      ['the time of reads and writes', expect.stringContaining('track_io_timing = on; -- pg_test_timing')],
    ]);
  });

  it('is the time of JIT, where it is asked for and the extension is too old', () => {
    const old = { extension_version: '1.9' };
    expect(gaps(old)).toEqual([]);
    expect(gaps(old, 15, 'jit')).toEqual([['JIT times', 'ALTER EXTENSION pg_stat_statements UPDATE;']]);
    expect(gaps({ extension_version: '1.10' }, 15, 'jit')).toEqual([]);
  });

  it('is every text where one of them is none', () => {
    expect(gaps({ texts_read: false })).toEqual([
      ['the texts of all statements', expect.stringContaining('by way of a database whose encoding is SQL_ASCII')],
    ]);
  });

  it('is all when nothing is tracked', () => {
    expect(gaps({ track: 'none' }).map(([what]) => what)).toEqual(['statements since tracking was turned off']);
  });
});
