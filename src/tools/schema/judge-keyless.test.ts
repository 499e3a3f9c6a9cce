import { expect, it } from 'vitest';
import { judgeKeyless } from './judge-keyless.ts';
import type { KeylessTable } from './keyless-table.ts';

const table: KeylessTable = {
  schema: 'shop',
  table: 'Log',
  kind: 'table',
  rows: 1000,
  size: 8192,
  size_estimated: false,
  unique_index: null,
  unique_columns: null,
  unique_usable: null,
  unique_constraint: null,
  replica_identity: 'default',
  publications: [],
  changes_fail: false,
};
const judge = (more: Partial<KeylessTable>) =>
  judgeKeyless([{ ...table, ...more }], { min_rows: 1000, warn_size: 1_000_000 }).map(
    ({ severity, claim }) => `${severity}: ${claim}`,
  );

it.each([
  [{}, ['notice: "shop"."Log" has no primary key.']],
  [{ rows: 999 }, []],
  [{ rows: null }, []],
  [{ rows: null, size: 99_999 }, []],
  [{ rows: null, size: 100_000 }, ['notice: "shop"."Log" has no primary key.']],
  [{ size: 999_999 }, ['notice: "shop"."Log" has no primary key.']],
  [{ size: 1_000_000 }, ['warning: "shop"."Log" has no primary key.']],
  [{ size: 1_000_000, unique_usable: true }, []],
  [{ unique_usable: false }, ['notice: "shop"."Log" has no primary key.']],
  [
    { replica_identity: 'full', publications: ['all'] },
    [
      'warning: "shop"."Log" has no primary key, and it is published: subscribers may search all of it for each row that changes.',
    ],
  ],
  [{ replica_identity: 'full', publications: ['all'], rows: 999 }, []],
  [
    { changes_fail: true, publications: ['all'], rows: 0, unique_usable: true },
    ['warning: UPDATE and DELETE of "shop"."Log" fail: they are published, and nothing identifies its rows.'],
  ],
] as const)('says of %o what matters', (more, expected) => {
  expect(judge(more as Partial<KeylessTable>)).toEqual(expected);
});

const step = (more: Partial<KeylessTable>) =>
  judgeKeyless([{ ...table, changes_fail: true, ...more }], { min_rows: 0, warn_size: 0 })[0]?.next_step;

it('identifies rows by a whole key where there is one', () => {
  expect(step({ unique_index: 'Log_a', unique_usable: true })?.split('\n')).toEqual([
    "SET lock_timeout = '2s';",
    expect.stringMatching(
      /^ALTER TABLE "shop"\."Log" REPLICA IDENTITY USING INDEX "Log_a"; -- takes ACCESS EXCLUSIVE on the table/,
    ),
    'RESET lock_timeout;',
  ]);
  expect(step({ unique_index: 'Log_a', unique_usable: false })).toMatch(
    /^SET lock_timeout = '2s';\nALTER TABLE "shop"\."Log" REPLICA IDENTITY FULL; -- until .* ACCESS EXCLUSIVE/,
  );
  expect(step({ kind: 'partitioned_table' })).toMatch(/pg_partition_tree\('"shop"\."Log"'\) WHERE isleaf;$/);
});

it('gathers many', () => {
  const many = Array.from({ length: 6 }, (_, n) => ({ ...table, table: `t${n}` }));
  expect(judgeKeyless(many, { min_rows: 0, warn_size: 1 }).map(({ claim }) => claim)).toEqual([
    '6 tables have no primary key.',
  ]);
});
