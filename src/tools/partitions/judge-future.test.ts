import { expect, it } from 'vitest';
import { judgeFuture } from './judge-future.ts';
import type { PartitionedTable } from './problem-row.ts';
import { findGaps, readRange, type Range } from './range-bounds.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** 2024-06-15 12:00 */
const NOW = Date.UTC(2024, 5, 15, 12) / 1000;

function table(bounds: readonly (readonly [string, string])[], more: Partial<PartitionedTable> = {}): PartitionedTable {
  const ranges = bounds.map(([from, to]) => readRange(`FOR VALUES FROM ('${from}') TO ('${to}')`, 'date') as Range);
  return {
    node: {
      oid: 1,
      schema: 'shop',
      table: 'Events',
      strategy: 'range',
      key_column: 'at',
      key_type: 'date',
      bounded_above: false,
      partitions: ranges.length,
      zone: 'UTC',
      total_rows: 1,
      now: NOW,
    },
    object: '"shop"."Events"',
    ranges,
    lastIsPartitioned: false,
    gaps: findGaps(ranges),
    bounds: 'read',
    default: undefined,
    pending: [],
    totals: undefined,
    uneven: [],
    ...more,
  };
}

const withDefault = { default: { parent: 1, schema: 'shop', table: 'rest', rows: 0, size: 0, locked: false } };
const severities = (...given: Parameters<typeof table>) =>
  judgeFuture(table(...given), 7).map(({ severity }) => severity);

it.each([
  ['daily, this day is the last', [['2024-06-15', '2024-06-16']], 'warning'],
  [
    'daily, one more day',
    [
      ['2024-06-15', '2024-06-16'],
      ['2024-06-16', '2024-06-17'],
    ],
    undefined,
  ],
  ['monthly, half of this month is left', [['2024-06-01', '2024-07-01']], undefined],
  ['monthly, less than a week is left', [['2024-05-22', '2024-06-22']], 'warning'],
  ['monthly, a week and a bit is left', [['2024-05-23', '2024-06-23']], undefined],
  ['ended today', [['2024-06-14', '2024-06-15']], 'critical'],
  ['ended two of its days ago', [['2024-06-12', '2024-06-14']], 'critical'],
  ['ended long ago', [['2023-06-01', '2023-06-02']], undefined],
  ['a year that ended a month ago', [['2023-05-17', '2024-05-17']], 'critical'],
  ['a year that ended more than a month ago', [['2023-05-16', '2024-05-16']], undefined],
  ['nothing but the future', [['2024-07-01', '2024-08-01']], undefined],
  [
    'a hole at now',
    [
      ['2024-05-01', '2024-06-01'],
      ['2024-07-01', '2024-08-01'],
    ],
    'critical',
  ],
] as const)('%s', (_, bounds, severity) => {
  expect(severities(bounds)).toEqual(severity === undefined ? [] : [severity]);
  const milder = { critical: 'warning', warning: 'notice' } as const;
  expect(severities(bounds, withDefault)).toEqual(severity === undefined ? [] : [milder[severity]]);
});

it.each([
  ['a list', { node: { ...table([]).node, key_type: 'integer' } }],
  ['one that ends where its parent does', { node: { ...table([]).node, bounded_above: true } }],
])('says nothing of %s', (_, more) => {
  expect(severities([['2024-06-14', '2024-06-15']], more)).toEqual([]);
});

it('makes the next partition as wide as the last', () => {
  const [finding] = judgeFuture(table([['2024-05-01', '2024-06-01']]), 7);
  expect(finding?.next_step?.split('\n')).toEqual([
    'CREATE TABLE "shop"."Events_20240601" (LIKE "shop"."Events" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);',
    `ALTER TABLE "shop"."Events" ATTACH PARTITION "shop"."Events_20240601" FOR VALUES FROM ('2024-06-01') TO ('2024-07-01');`,
  ]);
  expect(finding?.evidence).toEqual({ key: 'at', ends_at: '2024-06-01', ahead_s: -14.5 * DAY, partitions: 1 });
});

it('looks first where rows may be in the default, and where the last is partitioned itself', () => {
  const ended: [string, string][] = [['2024-05-01', '2024-06-01']];
  expect(judgeFuture(table(ended, withDefault), 7)[0]?.next_step?.split('\n')).toEqual([
    '-- rows of the new partition that the default holds: attaching fails until they are moved',
    `SELECT * FROM "shop"."rest" WHERE "at" >= '2024-06-01' AND "at" < '2024-07-01' LIMIT 20;`,
    '-- then keep them out first, for else attaching holds ACCESS EXCLUSIVE on the default while it reads all of it',
    `-- SET lock_timeout = '2s';`,
    `-- ALTER TABLE "shop"."rest" ADD CONSTRAINT "Events_not_20240601" CHECK (NOT ("at" >= '2024-06-01' AND "at" < '2024-07-01')) NOT VALID; new rows of the range fail from here on`,
    '-- ALTER TABLE "shop"."rest" VALIDATE CONSTRAINT "Events_not_20240601"; reads it beside reads and writes',
    '-- CREATE TABLE "shop"."Events_20240601" (LIKE "shop"."Events" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);',
    `-- ALTER TABLE "shop"."Events" ATTACH PARTITION "shop"."Events_20240601" FOR VALUES FROM ('2024-06-01') TO ('2024-07-01'); takes ACCESS EXCLUSIVE on the default for a moment`,
    '-- ALTER TABLE "shop"."rest" DROP CONSTRAINT "Events_not_20240601";',
  ]);
  expect(judgeFuture(table(ended, { lastIsPartitioned: true }), 7)[0]?.next_step).toMatch(/^SELECT c\.oid::regclass/);
});

it('keeps the name of a new partition as short as names are', () => {
  const long = { node: { ...table([]).node, table: 'ü'.repeat(31) } };
  const [finding] = judgeFuture(table([['2024-05-01', '2024-06-01']], long), 7);
  const name = /CREATE TABLE "shop"\."([^"]+)"/.exec(finding?.next_step ?? '')?.[1] ?? '';
  expect(name).toBe(`${'ü'.repeat(27)}_20240601`);
  expect(Buffer.byteLength(name)).toBe(63);
});
