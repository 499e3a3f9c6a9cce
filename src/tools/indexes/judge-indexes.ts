import {
  comment,
  gather,
  lockBriefly,
  notCounting,
  quoteName,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { AboutCounters, IndexRow } from './index-row.ts';

/** Shorter than a week, and what only runs at its end was not seen. */
const YOUNG_S = 7 * 24 * 3600;

interface Evidence {
  readonly about: AboutCounters | null;
  readonly facts: Pick<ConnectionFacts, 'inRecovery'>;
}

/** Nothing on a standby, which counts its own scans only: the primary may live by an index that is never used here. */
export function judgeUnused(rows: readonly IndexRow[], { about, facts }: Evidence): Finding[] {
  if (facts.inRecovery) return [];
  const judged = (reason: Reason) => rows.filter((row) => reasonToKeep(row) === reason).map((row) => judge(row, about));
  return [
    ...gather(judged('none'), (count) => `${count} indexes are hardly used.`),
    ...gather(judged('foreign key'), (count) => `${count} indexes are hardly used, but serve foreign keys.`),
    ...gather(judged('statistics'), (count) => `${count} indexes are hardly scanned, but give statistics.`),
  ];
}

/** What the counters cannot tell. */
export function notCounted(about: AboutCounters | null, inRecovery: boolean): NotExamined[] {
  return [
    ...notCounting(about),
    ...(about === null ? [] : [AGE, ...judgeCounters(about)]),
    ...(inRecovery ? [ON_STANDBY] : []),
  ];
}

type Reason = 'foreign key' | 'statistics' | 'none';

function reasonToKeep({ supports_foreign_keys, has_expressions }: IndexRow): Reason {
  if (supports_foreign_keys.length > 0) return 'foreign key';
  return has_expressions ? 'statistics' : 'none';
}

function judge(unused: IndexRow, counters: AboutCounters | null): Finding {
  const { schema, index, scans, size, table_writes, clustered } = unused;
  const object = quoteName(schema, index);
  const reason = reasonToKeep(unused);
  const young = counters?.counted_s === undefined || counters.counted_s === null || counters.counted_s < YOUNG_S;
  const scanned = scans === 0 ? 'never scanned' : `scanned ${scans} times`;
  const claims: Readonly<Record<Reason, string>> = {
    'foreign key': `${object} is hardly scanned, but serves a foreign key that no index in use serves.`,
    statistics: `${object} was ${scanned}, but the planner may go by the statistics on its expressions.`,
    none: `${object} was ${scanned} and is kept up to date by every write.`,
  };
  return {
    // a standby has the indexes of its primary, whose scans it does not know
    severity: scans === 0 && reason === 'none' && !young ? 'warning' : 'notice',
    claim: claims[reason],
    object,
    evidence: { scans, size, table_writes, counted_s: counters?.counted_s ?? null, ...(clustered && { clustered }) },
    why: WHY[reason],
    next_step: nextStep(unused, object),
  };
}

const COUNTERS = 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW';
const WHY: Readonly<Record<Reason, string>> = {
  'foreign key': COUNTERS,
  statistics: 'https://www.postgresql.org/docs/current/sql-createstatistics.html',
  none: COUNTERS,
};

const FIRST_ASK = 'when every standby has been asked too';

function nextStep(unused: IndexRow, object: string): string {
  const reason = reasonToKeep(unused);
  if (reason === 'foreign key') {
    return comment(
      `keep it while rows of the referenced table are deleted: ${unused.supports_foreign_keys.join(', ')}`,
    );
  }
  if (reason === 'statistics') {
    return '-- see on a copy without it whether plans get worse; from PostgreSQL 14 on CREATE STATISTICS can replace it';
  }
  const first = unused.clustered ? '-- CLUSTER orders the table by it, and would have to be told of another one\n' : '';
  // the parent of partitions cannot be dropped concurrently
  return unused.partitions === null
    ? `${first}DROP INDEX CONCURRENTLY ${object}; -- ${FIRST_ASK}`
    : `${first}${lockBriefly(`DROP INDEX ${object};`, 'the table and its partitions', FIRST_ASK)}`;
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

const AGE: NotExamined = {
  what: 'how old the indexes are',
  reason: 'PostgreSQL does not record it: one that was made lately has few scans, however old the counters are.',
  remedy: 'Ask whoever made an index before it is dropped.',
};

const ON_STANDBY: NotExamined = {
  what: 'scans on the primary and on other standbys',
  reason: 'This server is a standby and counts its own scans only.',
  remedy: 'Ask the primary, where an index would be dropped, and the other standbys.',
};
