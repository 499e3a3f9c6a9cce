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
  const table = { schema: 'pg_temp_3', table: 't', part: 'table' as const, temporary: true, xid_age: 1, mxid_age: 0 };
  expect(judgeTemporary([{ ...table, xid_percent: 100.01, mxid_percent: 0 }])).toMatchObject([{ severity: 'warning' }]);
  expect(judgeTemporary([{ ...table, xid_percent: 0, mxid_percent: 100.01 }])).toHaveLength(1);
  expect(judgeTemporary([{ ...table, xid_percent: 100, mxid_percent: 100 }])).toEqual([]);
  expect(judgeTemporary([{ ...table, temporary: false, xid_percent: 200, mxid_percent: 0 }])).toEqual([]);
});
