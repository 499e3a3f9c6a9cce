import { describe, expect, it } from 'vitest';
import type { ConnectionFacts } from '../kit/index.ts';
import { judgeTables, notEstimated } from './judge-tables.ts';
import type { TableRow } from './table-row.ts';

const MIB = 1_048_576;
const row: TableRow = {
  schema: 'public',
  table: "o'rders",
  kind: 'table',
  size: 200 * MIB,
  wasted: 100 * MIB,
  wasted_percent: 50,
  toast_size: 0,
  toast_wasted: 0,
  dead_rows: 0,
  dead_percent: 0,
  rows: 1000,
  fillfactor: 100,
  method: 'estimated',
  unknown: null,
  size_estimated: false,
  last_vacuum: null,
};
const limits = { min_wasted: 100 * MIB, max_percent: 50, pgstattuple: undefined, inRecovery: false };
const judge = (change: Partial<TableRow>) => judgeTables([{ ...row, ...change }], limits);

describe('judgeTables', () => {
  it('reports what wastes much and most of its size, and measures before it advises', () => {
    expect(judge({})).toMatchObject([
      {
        severity: 'notice',
        claim: `About 50 % of "public"."o'rders" (100 MB) is space that its rows do not need.`,
        next_step: expect.stringMatching(
          /^-- measures it first\nCREATE EXTENSION pgstattuple;\nSELECT \* FROM pgstattuple_approx/,
        ),
      },
    ]);
    expect(judge({ wasted: 100 * MIB - 1 })).toEqual([]);
    expect(judge({ size: 200 * MIB + 10_000_000 })).toEqual([]);
  });

  it('does not call a table never vacuumed on a standby, which does not count that', () => {
    expect(judge({})[0]?.evidence).toHaveProperty('last_vacuum', null);
    expect(judgeTables([row], { ...limits, inRecovery: true })[0]?.evidence).not.toHaveProperty('last_vacuum');
  });

  it('counts TOAST in', () => {
    expect(judge({ wasted: null, toast_size: 200 * MIB, toast_wasted: 100 * MIB })).toEqual([]);
    expect(judge({ wasted: null, size: 0, toast_size: 200 * MIB, toast_wasted: 100 * MIB })).toHaveLength(1);
  });

  it('warns of much that was measured, and of no estimate', () => {
    const gibibyte = { wasted: 1024 * MIB, size: 2048 * MIB };
    expect(judge({ ...gibibyte, method: 'exact' })).toMatchObject([{ severity: 'warning' }]);
    expect(judge({ ...gibibyte, method: 'exact', wasted: 1024 * MIB - 1, size: 1500 * MIB })).toMatchObject([
      { severity: 'notice' },
    ]);
    expect(judge(gibibyte)).toMatchObject([{ severity: 'notice' }]);
  });

  it('never advises VACUUM FULL as a statement to run', () => {
    for (const method of ['estimated', 'exact'] as const) {
      const [finding] = judge({ method });
      expect(finding?.next_step).toContain('VACUUM FULL');
      expect(finding?.next_step).not.toMatch(/^VACUUM FULL/m);
    }
  });

  it('calls pgstattuple where it is', () => {
    const pgstattuple = { schema: 'Ex t', version: '1.5', may_use: true, may_run: true };
    const [finding] = judgeTables([row], { ...limits, pgstattuple });
    expect(finding?.next_step).toContain(`SELECT * FROM "Ex t".pgstattuple_approx('"public"."o''rders"'::regclass);`);
  });
});

const role = { name: 'monitor', effectiveRoles: [] as readonly string[] };
const facts = { major: 16, role, inRecovery: false } as unknown as ConnectionFacts;
const unknown = (reason: TableRow['unknown']) => ({ ...row, unknown: reason });
const remedyFor = (change: object) =>
  notEstimated({ rows: [unknown('not_visible')], candidates: 1 }, { ...facts, ...change })[0]?.remedy;

describe('notEstimated', () => {
  it('has a line for each reason, with what would mend it', () => {
    const rows = [unknown('never_analyzed'), unknown('not_visible'), unknown(null)];
    expect(notEstimated({ rows, candidates: 3 }, facts)).toMatchObject([
      { what: `the bloat of "public"."o'rders"`, remedy: `ANALYZE "public"."o'rders";` },
      { remedy: expect.stringMatching(/^GRANT pg_stat_scan_tables TO "monitor";[^]*pg_read_all_data/) },
    ]);
  });

  it('names no right that the login has, and none that its version lacks', () => {
    expect(remedyFor({ major: 13 })).not.toContain('pg_read_all_data');
    expect(remedyFor({ role: { ...role, effectiveRoles: ['pg_stat_scan_tables'] } })).toMatch(/^Call it with exact/);
  });

  it('says how many were left out', () => {
    const rows = Array.from({ length: 7 }, (_, n) => ({ ...unknown('no_statistics'), table: `t${n}` }));
    const gaps = notEstimated({ rows, candidates: 1200 }, facts);
    expect(gaps).toMatchObject([
      {
        what: expect.stringMatching(/"t4" and 2 more tables$/),
        remedy: expect.stringMatching(/^ANALYZE/),
      },
      { what: 'the bloat of 200 smaller tables' },
    ]);
  });
});
