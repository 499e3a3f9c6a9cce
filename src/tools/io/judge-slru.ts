import { changeSettings, comment, gather, type ConnectionFacts, type Finding } from '../kit/index.ts';
import type { OverflowedRow, SlruRow } from './slru-row.ts';

interface Thresholds {
  readonly min_reads_per_s: number;
  readonly min_hit_percent: number;
}

interface Evidence {
  readonly input: Thresholds;
  readonly overflowed: readonly OverflowedRow[];
  readonly facts: Pick<ConnectionFacts, 'service' | 'major'>;
}

/** What each keeps, by its names since PostgreSQL 17 and before. Caches that hardly anybody waits for are not judged. */
const CONTENT: ReadonlyMap<string, string> = new Map([
  ['subtransaction', 'the parents of subtransactions'],
  ['Subtrans', 'the parents of subtransactions'],
  ['multixact_member', 'who has locked a row together'],
  ['MultiXactMember', 'who has locked a row together'],
  ['multixact_offset', 'who has locked a row together'],
  ['MultiXactOffset', 'who has locked a row together'],
  ['transaction', 'which transactions were committed'],
  ['Xact', 'which transactions were committed'],
]);

export function judgeSlru(rows: readonly SlruRow[], { input, overflowed, facts }: Evidence): Finding[] {
  const missing = rows.filter(
    ({ name, reads_per_s, hit_percent }) =>
      CONTENT.has(name) &&
      (reads_per_s ?? 0) >= input.min_reads_per_s &&
      hit_percent !== null &&
      hit_percent < input.min_hit_percent,
  );
  return gather(
    missing.map((row) => ({
      severity: 'notice' as const,
      claim: `The cache of ${CONTENT.get(row.name)} is too small: ${row.reads_per_s} pages a second are read, and ${row.hit_percent} % found.`,
      object: row.name,
      evidence: {
        reads_per_s: row.reads_per_s,
        hit_percent: row.hit_percent,
        blks_read: row.blks_read,
        buffers: row.buffers,
        ...(isOfSubtransactions(row) && facts.major >= 16 && { sessions_overflowed: overflowed.length }),
        counted_since: row.counted_since,
      },
      why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-SLRU-VIEW',
      next_step: nextStep(row, facts),
    })),
    (count) => `${count} caches of the states of transactions are too small.`,
  );
}

function isOfSubtransactions({ name }: SlruRow): boolean {
  return name === 'subtransaction' || name === 'Subtrans';
}

/** https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SUBTRANSACTION-BUFFERS */
function nextStep(row: SlruRow, { major, service }: Evidence['facts']): string {
  return [
    ...(isOfSubtransactions(row) ? lookForSavepoints(major) : []),
    ...(row.buffers === null
      ? [comment('its size is fixed before PostgreSQL 17')]
      : [changeSettings(service, [{ name: `${row.name}_buffers`, value: `${2 * row.buffers}`, restart: true }])]),
  ].join('\n');
}

function lookForSavepoints(major: number): string[] {
  return [
    comment(
      'more than 64 savepoints or exception blocks in one transaction make everybody look them up; long transactions prolong it',
    ),
    major >= 16
      ? 'SELECT a.pid, a.usename, a.datname, a.xact_start, s.* FROM pg_stat_get_backend_idset() b, pg_stat_get_backend_subxact(b) s, pg_stat_activity a WHERE s.subxact_overflowed AND a.pid = pg_stat_get_backend_pid(b);'
      : "SELECT pid, usename, datname, xact_start, query FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute' ORDER BY xact_start;",
  ];
}
