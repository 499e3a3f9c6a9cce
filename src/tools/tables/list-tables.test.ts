import { expect, it } from 'vitest';
import type { ConnectionFacts } from '../kit/index.ts';
import listTables from './list-tables.ts';

type Row = Parameters<typeof listTables.findings>[0][number];

const MIB = 1_048_576;
const row: Row = {
  schema: 'public',
  table: 'orders',
  kind: 'table',
  owner: 'app',
  size: 10 * MIB,
  table_size: 8 * MIB,
  index_size: 2 * MIB,
  toast_size: 0,
  size_estimated: false,
  rows: 10_000,
  dead_rows: 0,
  partitions: null,
  last_vacuum: null,
  last_analyze: null,
  primary_key: true,
  autovacuum: true,
  comment: null,
};
const input = { kinds: ['table' as const], order_by: 'size' as const };
const judge = (...rows: Partial<Row>[]) =>
  listTables.findings(
    rows.map((more) => ({ ...row, ...more })),
    { input, about: null, facts: {} as ConnectionFacts },
  );

it.each<[string, Partial<Row>, string[]]>([
  ['in order', {}, []],
  ['with many dead rows, which autovacuum_status judges', { dead_rows: 9000, autovacuum: false }, []],
  ['that was never analysed', { rows: null }, ['notice']],
  ['that was never analysed and is small', { rows: null, size: MIB - 1 }, []],
  ['whose size is not known exactly', { rows: null, size_estimated: true }, []],
  ['without a primary key, which tables_without_primary_key judges', { primary_key: false }, []],
  [
    'that is a view',
    { kind: 'view', rows: null, size: null, dead_rows: null, primary_key: null, autovacuum: null },
    [],
  ],
])('judges a table %s', (_, more, severities) => {
  expect(judge(more).map(({ severity }) => severity)).toEqual(severities);
});
