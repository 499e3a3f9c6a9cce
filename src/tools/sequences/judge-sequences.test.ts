import { describe, expect, it } from 'vitest';
import { judgeGaps, judgeSequence } from './judge-sequences.ts';
import type { SequenceRow } from './sequence-row.ts';

const serial: SequenceRow = {
  schema: 'public',
  sequence: 'Invoice "no"',
  sequence_type: 'integer',
  table_schema: 'public',
  table: 'invoices',
  column: 'no',
  column_type: 'integer',
  identity: false,
  increment: '1',
  cycles: false,
  last_value: '2040000000',
  last_possible: '2147483647',
  limited_by: 'both',
  own_bound: false,
  remaining: '107483647',
  used_percent: 95,
  narrower_references: [],
  unreadable: null,
};
const thresholds = { warn_percent: 75, critical_percent: 90 };
const judge = (more: Partial<SequenceRow>) => judgeSequence({ ...serial, ...more }, thresholds);
const LOOK = [
  '-- twice, some time apart: how fast it advances, and how large the table is',
  `SELECT clock_timestamp(), s.last_value, pg_size_pretty(coalesce((SELECT sum(pg_total_relation_size(p.relid)) FROM pg_partition_tree('"public"."invoices"'::regclass) p), pg_total_relation_size('"public"."invoices"'::regclass))) AS table_size FROM "public"."Invoice ""no""" s;`,
  '-- only where the table is small: ALTER TABLE "public"."invoices" ALTER COLUMN "no" TYPE bigint; rewrites it and its indexes under ACCESS EXCLUSIVE, for which all reads and writes wait until it is done',
].join('\n');
const BESIDE = expect.stringMatching(/^-- else beside the work: ADD COLUMN a bigint, a trigger/);
const ALTER = 'ALTER SEQUENCE "public"."Invoice ""no"""';

it('says how full a serial is, and what widening it costs', () => {
  expect(judge({})).toEqual([
    {
      severity: 'critical',
      claim: '"public"."Invoice ""no""" has used 95 % of its values; inserts fail when they run out.',
      object: '"public"."Invoice ""no"""',
      evidence: {
        used_percent: 95,
        last_value: '2040000000',
        last_possible: '2147483647',
        remaining: '107483647',
        column: '"public"."invoices"."no"',
        column_type: 'integer',
        sequence_type: 'integer',
      },
      why: 'https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT',
      next_step: expect.stringContaining(`${LOOK}\n-- and then: ${ALTER} AS bigint;\n-- else beside the work`),
    },
  ]);
});

it.each([
  [100.01, 'critical'],
  [90, 'critical'],
  [89.99, 'warning'],
  [75, 'warning'],
])('finds %s %% used %s', (used_percent, severity) => {
  expect(judge({ used_percent })).toMatchObject([{ severity }]);
});

it.each([74.99, 0, null])('finds nothing in %s %%', (used_percent) => {
  expect(judge({ used_percent })).toEqual([]);
});

const step = (more: Partial<SequenceRow>) => judge(more)[0]?.next_step;

describe('the next step', () => {
  it('rewrites nothing when only the sequence is too small', () => {
    expect(step({ column_type: 'bigint', limited_by: 'sequence' })).toBe(`${ALTER} AS bigint;`);
    expect(step({ sequence_type: 'smallint', limited_by: 'sequence' })).toBe(`${ALTER} AS integer;`);
    expect(step({ column: null, column_type: null, limited_by: 'sequence' })).toBe(`${ALTER} AS bigint;`);
    expect(step({ column_type: 'text', limited_by: 'sequence' })).toBe(`${ALTER} AS bigint;`);
  });

  it('lifts a bound that somebody set', () => {
    expect(step({ limited_by: 'sequence', own_bound: true })).toBe(`${ALTER} NO MAXVALUE;`);
    expect(step({ limited_by: 'sequence', own_bound: true, sequence_type: 'bigint' })).toBe(`${ALTER} NO MAXVALUE;`);
    expect(step({ limited_by: 'sequence', own_bound: true, increment: '-1' })).toBe(`${ALTER} NO MINVALUE;`);
    expect(step({ own_bound: true, sequence_type: 'bigint' })).toContain(
      `${LOOK}\n-- and then: ${ALTER} NO MAXVALUE;\n`,
    );
  });

  it('leaves alone a sequence that is wide enough, and that of an identity column, which follows it', () => {
    const lines = [...LOOK.split('\n'), BESIDE];
    expect(step({ sequence_type: 'bigint', limited_by: 'column' })?.split('\n')).toEqual(lines);
    expect(step({ identity: true })?.split('\n')).toEqual(lines);
  });

  it('names the columns that refer to it, on one line', () => {
    const lines = step({ narrower_references: ['public.lines.invoice', 'public."a\nb".c'] })?.split('\n');
    expect(lines?.at(-1)).toBe('-- either way widen first what refers to it: public.lines.invoice, public."a b".c');
  });

  it.each<Partial<SequenceRow>>([
    {},
    { identity: true },
    { own_bound: true },
    { narrower_references: ['public.lines.invoice'] },
  ])('runs nothing that rewrites a table: %o', (more) => {
    expect(
      step(more)
        ?.replaceAll(/^--.*$/gm, '')
        .trim(),
    ).toMatch(/^SELECT [^;]*;$/);
  });

  it('is not there when even bigint is used up', () => {
    expect(judge({ sequence_type: 'bigint', column_type: 'bigint' })[0]).not.toHaveProperty('next_step');
    expect(
      judge({ sequence_type: 'bigint', column: null, column_type: null, limited_by: 'sequence' })[0],
    ).not.toHaveProperty('next_step');
  });
});

it.each<[string, Partial<SequenceRow>, string, string]>([
  [
    'that is used up',
    { remaining: '0', used_percent: 100 },
    'critical',
    'used 100 % of its values: inserts that need another fail.',
  ],
  [
    'whose column is narrower',
    { limited_by: 'column' },
    'critical',
    'of the values that fit its column; inserts fail when they run out.',
  ],
  ['that cycles', { cycles: true }, 'notice', 'of its values, and then gives them again.'],
  [
    'that cycles where its column cannot follow',
    { cycles: true, limited_by: 'column' },
    'critical',
    'inserts fail when they run out.',
  ],
])('tells apart a sequence %s', (_, more, severity, claim) => {
  expect(judge(more)).toMatchObject([{ severity, claim: expect.stringContaining(claim) }]);
});

it('says which sequences it could not read, and what would show them', () => {
  const none = { without_right: 0, without_right_in: [], behind_lock: 0, unlogged: 0 };
  expect(judgeGaps(none, 'monitor')).toEqual([]);
  expect(
    judgeGaps({ without_right: 3, without_right_in: ['public', '"we.ird"'], behind_lock: 1, unlogged: 2 }, 'Mon"itor'),
  ).toEqual([
    {
      what: 'how much of 3 sequences is used',
      reason: 'The login "Mon""itor" has neither USAGE nor SELECT on them.',
      remedy: 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, "we.ird" TO "Mon""itor";',
    },
    expect.objectContaining({ what: 'how much of 1 sequence behind a lock is used' }),
    expect.objectContaining({ what: 'how much of 2 unlogged sequences is used', remedy: 'Ask the primary.' }),
  ]);
});
