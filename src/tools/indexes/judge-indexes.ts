import { gather, quoteName, type Finding, type NotExamined } from '../kit/index.ts';
import type { AboutCounters, IndexRow } from './index-row.ts';

/** Shorter than a week, and what only runs at its end was not seen. */
const YOUNG_S = 7 * 24 * 3600;

interface Evidence {
  readonly about: AboutCounters | null;
}

export function judgeUnused(rows: readonly IndexRow[], { about }: Evidence): Finding[] {
  const free = rows.filter(isFree).map((row) => judgeIndex(row, about));
  const serving = rows.filter((row) => !isFree(row)).map((row) => judgeIndex(row, about));
  return [
    ...gather(free, (count) => `${count} indexes are hardly used.`),
    ...gather(serving, (count) => `${count} indexes are hardly used, but serve foreign keys.`),
  ];
}

/** What the counters cannot tell. */
export function notCounted(about: AboutCounters | null, inRecovery: boolean): NotExamined[] {
  return [...(about === null ? [] : judgeCounters(about)), ...(inRecovery ? [ON_STANDBY] : [])];
}

function isFree({ supports_foreign_keys }: IndexRow): boolean {
  return supports_foreign_keys.length === 0;
}

function judgeIndex(unused: IndexRow, counters: AboutCounters | null): Finding {
  const { schema, index, partitions, scans, size, table_writes, supports_foreign_keys } = unused;
  const object = quoteName(schema, index);
  const serves = !isFree(unused);
  const young = counters?.counted_s === undefined || counters.counted_s === null || counters.counted_s < YOUNG_S;
  return {
    severity: scans === 0 && !serves && !young ? 'warning' : 'notice',
    claim: serves
      ? `${object} is hardly scanned, but only it serves a foreign key.`
      : `${object} was ${scans === 0 ? 'never scanned' : `scanned ${scans} times`} and is kept up to date by every write.`,
    object,
    evidence: { scans, size, table_writes, counted_s: counters?.counted_s ?? null },
    why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW',
    next_step: serves
      ? `-- keep it while rows of the referenced table are deleted: ${supports_foreign_keys.join(', ').replaceAll(/\s/g, ' ')}`
      : // the parent of partitions cannot be dropped concurrently
        `DROP INDEX ${partitions === null ? 'CONCURRENTLY ' : ''}${object}; -- when every standby has been asked too`,
  };
}

function judgeCounters({ counted_since, counted_s, standbys }: AboutCounters): NotExamined[] {
  const gaps: NotExamined[] = [];
  if (counted_since === null) {
    gaps.push({
      what: 'since when scans are counted',
      reason: 'The server does not say when its counters were reset.',
    });
  } else if ((counted_s ?? 0) < YOUNG_S) {
    gaps.push({
      what: `scans before ${counted_since}`,
      reason: 'The counters are younger than a week, so what runs weekly or monthly may not be in them.',
      remedy: 'Ask again later.',
    });
  }
  if (standbys > 0) {
    gaps.push({
      what: `scans on ${standbys} ${standbys === 1 ? 'standby' : 'standbys'}`,
      reason: 'Each standby counts its own scans and uses the same indexes.',
      remedy: 'Ask every standby before an index is dropped.',
    });
  }
  return gaps;
}

const ON_STANDBY: NotExamined = {
  what: 'scans on the primary and on other standbys',
  reason: 'This server is a standby and counts its own scans only.',
  remedy: 'Ask the primary, where an index would be dropped, and the other standbys.',
};
