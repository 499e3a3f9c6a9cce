import { expect, it } from 'vitest';
import type { AboutCounters, IndexRow } from './index-row.ts';
import { judgeUnused, notCounted } from './judge-indexes.ts';

const row: IndexRow = {
  schema: 'public',
  table: 'orders',
  index: 'orders_note',
  definition: 'CREATE INDEX …',
  size: 2_000_000,
  size_estimated: false,
  scans: 0,
  last_scan: null,
  table_writes: 1000,
  partitions: null,
  supports_foreign_keys: [],
  has_expressions: false,
  clustered: false,
};
const facts = { inRecovery: false };
const about: AboutCounters = {
  counted_since: '2026-01-01T00:00:00Z',
  counted_s: 30 * 86_400,
  track_counts: true,
  standbys: 0,
};

it('warns of an index that was never scanned in a month', () => {
  expect(judgeUnused([row], { about, facts })).toEqual([
    {
      severity: 'warning',
      claim: '"public"."orders_note" was never scanned and is kept up to date by every write.',
      object: '"public"."orders_note"',
      evidence: { scans: 0, size: 2_000_000, table_writes: 1000, counted_s: 30 * 86_400 },
      why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW',
      next_step: 'DROP INDEX CONCURRENTLY "public"."orders_note"; -- when every standby has been asked too',
    },
  ]);
});

it.each<[string, Partial<IndexRow>, Partial<AboutCounters>]>([
  ['was scanned now and then', { scans: 3 }, {}],
  ['serves a foreign key', { supports_foreign_keys: ['orders_customer_fkey'] }, {}],
  ['has been counted for six days only', {}, { counted_s: 6 * 86_400 }],
  ['has been counted since nobody knows when', {}, { counted_s: null, counted_since: null }],
])('is more careful with an index that %s', (_, more, counters) => {
  expect(judgeUnused([{ ...row, ...more }], { about: { ...about, ...counters }, facts })).toEqual([
    expect.objectContaining({ severity: 'notice' }),
  ]);
});

it('drops the index of a partitioned table within a timeout, since PostgreSQL cannot do it concurrently', () => {
  expect(judgeUnused([{ ...row, partitions: 3 }], { about, facts })[0]?.next_step?.split('\n')).toEqual([
    "SET lock_timeout = '2s';",
    expect.stringMatching(/^DROP INDEX "public"."orders_note"; -- when every standby .* ACCESS EXCLUSIVE on the table/),
    'RESET lock_timeout;',
  ]);
});

it('advises nothing on a standby, whose scans are not those of the primary', () => {
  const rows = [row, { ...row, has_expressions: true }, { ...row, supports_foreign_keys: ['orders_customer_fkey'] }];
  expect(judgeUnused(rows, { about, facts: { inRecovery: true } })).toEqual([]);
});

it('drops no index whose expressions the planner has statistics of', () => {
  const [finding, ...more] = judgeUnused([{ ...row, has_expressions: true }], { about, facts });
  expect(more).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'notice',
    claim: expect.stringContaining('statistics on its expressions'),
  });
  expect(finding?.next_step).not.toContain('DROP');
});

it('lets no name of a constraint end its comment', () => {
  const [finding] = judgeUnused([{ ...row, supports_foreign_keys: ['x\nDROP TABLE orders; --'] }], { about, facts });
  expect(finding?.next_step).not.toContain('\n');
});

function what(counters: AboutCounters | null, standby = false): string[] {
  return notCounted(counters, standby).map((gap) => gap.what);
}

it('tells what the counters leave out', () => {
  expect(what(about)).toEqual(['how old the indexes are']);
  expect(what({ ...about, counted_s: 60, standbys: 2 })).toEqual([
    'how old the indexes are',
    'scans before 2026-01-01T00:00:00Z',
    'scans on 2 standbys',
  ]);
  expect(what({ ...about, counted_since: null, counted_s: null })).toEqual([
    'how old the indexes are',
    'since when scans are counted',
  ]);
  expect(what(null, true)).toEqual(['scans on the primary and on other standbys']);
});

it('says that CLUSTER goes by an index before it is dropped', () => {
  const [finding] = judgeUnused([{ ...row, clustered: true }], { about, facts });
  expect(finding).toMatchObject({
    evidence: { clustered: true },
    next_step: expect.stringMatching(/^-- CLUSTER .*\nDROP INDEX CONCURRENTLY "public"."orders_note";/),
  });
});

it('says that nothing is counted where that is turned off', () => {
  expect(notCounted({ ...about, track_counts: false }, false)).toMatchObject([{ what: 'what happens now' }, {}]);
});
