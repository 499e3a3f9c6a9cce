import { expect, it } from 'vitest';
import { judgeTemporary } from './judge-aged.ts';
import { judgeVisits } from './judge-visits.ts';

const visited = {
  schema: 'public',
  table: 'orders',
  part: 'table' as const,
  autovacuum_count: 3,
  total_autovacuum_time: 10_803_000,
};

it('reports tables that autovacuum is at for long, each time', () => {
  expect(judgeVisits([visited], 3600)).toMatchObject([
    { severity: 'notice', object: '"public"."orders"', evidence: { autovacuum_count: 3, mean_s: 3601 } },
  ]);
  expect(judgeVisits([{ ...visited, total_autovacuum_time: 10_800_000 }], 3600)).toEqual([]);
  expect(judgeVisits([{ ...visited, autovacuum_count: 2 }], 3600)).toEqual([]);
  expect(judgeVisits([{ ...visited, total_autovacuum_time: null }], 3600)).toEqual([]);
});

it('warns of temporary tables beyond their limit, which autovacuum cannot reach', () => {
  const facts = { major: 18, inRecovery: false };
  const table = {
    schema: 'pg_temp_3',
    table: 't',
    part: 'table' as const,
    temporary: true,
    temporary_of: 4711,
    xid_age: 1,
    mxid_age: 0,
  };
  expect(judgeTemporary([{ ...table, xid_percent: 100.01, mxid_percent: 0 }], facts)).toMatchObject([
    { severity: 'warning' },
  ]);
  expect(judgeTemporary([{ ...table, xid_percent: 0, mxid_percent: 100.01 }], facts)).toHaveLength(1);
  expect(judgeTemporary([{ ...table, xid_percent: 100, mxid_percent: 100 }], facts)).toEqual([]);
  expect(judgeTemporary([{ ...table, temporary: false, xid_percent: 200, mxid_percent: 0 }], facts)).toEqual([]);
});

it.each([
  [4711, 18, 'only its own session, 4711, can vacuum it.', /^SELECT [^\n]* WHERE pid = 4711; --/],
  [
    null,
    18,
    'its session is gone, and left it behind.',
    /^-- [^\n]*autovacuum drops[^\n]*\n-- DROP SCHEMA "pg_temp_3" CASCADE;$/,
  ],
  [null, 15, 'only its own session can vacuum it.', /^-- [^\n]*\nSELECT [^\n]*\n-- [^\n]*\n-- DROP SCHEMA/],
])('tells whose an old temporary table is: of session %s on %i', (temporary_of, major, claim, step) => {
  const table = { schema: 'pg_temp_3', table: 't', part: 'table' as const, temporary: true, xid_age: 1, mxid_age: 0 };
  const [finding] = judgeTemporary([{ ...table, temporary_of, xid_percent: 120, mxid_percent: 0 }], {
    major,
    inRecovery: false,
  });
  expect(finding?.claim).toContain(claim);
  expect(finding?.next_step).toMatch(step);
});
