import { expect, it } from 'vitest';
import { foldLoad, type Grouping } from './fold-load.ts';
import type { StatementLoad } from './statement-costs.ts';
import { typeOf } from './statement-type.ts';

const row: StatementLoad = {
  database: 'shop',
  user: 'app',
  word: 'select',
  statements: 1,
  calls: 10,
  total_ms: 30,
  rows: 100,
  read_size: 8192,
  temp_size: 0,
  wal_size: null,
  planning_ms: null,
  jit_ms: 3,
};
const rows: StatementLoad[] = [
  row,
  { ...row, word: 'values', calls: 30, total_ms: 10 },
  { ...row, database: 'crm', word: 'begin', statements: 2, calls: 60, total_ms: 160, jit_ms: null },
  { ...row, database: 'crm', user: 'batch', word: null, calls: 0, total_ms: 0, rows: 0 },
];

function keys(grouping: Grouping) {
  return foldLoad(rows, grouping).rows.map(({ database, user, type, statements, calls }) => [
    [database, user, type].filter((part) => part !== null).join(' '),
    statements,
    calls,
  ]);
}

it('adds up by what is asked for, the most expensive first', () => {
  expect(keys('database')).toEqual([
    ['crm', 3, 60],
    ['shop', 2, 40],
  ]);
  expect(keys('role')).toEqual([
    ['app', 4, 100],
    ['batch', 1, 0],
  ]);
  expect(keys('database_and_role')).toEqual([
    ['crm app', 2, 60],
    ['shop app', 2, 40],
    ['crm batch', 1, 0],
  ]);
  expect(keys('statement_type')).toEqual([
    ['transaction', 2, 60],
    ['select', 2, 40],
    ['', 1, 0],
  ]);
});

it('gives each cost its share of all, and none where nothing is counted', () => {
  const { rows: folded, totals } = foldLoad(rows, 'database');
  expect(totals).toEqual({
    calls: 100,
    total_ms: 200,
    rows: 300,
    read_size: 32_768,
    temp_size: 0,
    wal_size: null,
    planning_ms: null,
    jit_ms: 9,
  });
  expect(folded[0]).toMatchObject({
    database: 'crm',
    calls_percent: 60,
    total_ms: 160,
    total_percent: 80,
    mean_ms: 2.667,
    rows_percent: 33.33,
    read_percent: 50,
    temp_size: 0,
    temp_percent: null,
    wal_size: null,
    wal_percent: null,
    planning_percent: null,
    jit_ms: 3,
    jit_percent: 33.33,
  });
  expect(foldLoad(rows, 'role').rows[1]).toMatchObject({ calls: 0, mean_ms: null, total_percent: 0 });
  expect(foldLoad([], 'role')).toMatchObject({ rows: [], totals: { calls: 0, total_ms: null } });
});

it.each([
  ['select', 'select'],
  ['table', 'select'],
  ['with', 'with'],
  ['merge', 'merge'],
  ['rollback', 'transaction'],
  ['vacuum', 'maintenance'],
  ['alter', 'ddl'],
  ['hunter', 'other'],
  [null, null],
])('takes a statement that begins with %s for %s', (word, type) => {
  expect(typeOf(word)).toBe(type);
});
