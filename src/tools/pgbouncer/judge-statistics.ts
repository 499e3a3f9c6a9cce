import { comment, gather, quoteIdentifier, type Finding } from '../kit/index.ts';
import type { StatisticsRow } from './statistics-row.ts';

interface Thresholds {
  readonly max_avg_wait_ms: number;
}

/** Fewer transactions in a second say nothing of the others: one that had to wait for a login makes the average. */
const TELLING_RATE = 1;

export function judgeStatistics(rows: readonly StatisticsRow[], { max_avg_wait_ms }: Thresholds): Finding[] {
  const slow = rows.filter(
    ({ avg_wait_time, avg_xact_count }) =>
      (avg_xact_count ?? 0) >= TELLING_RATE && (avg_wait_time ?? 0) > max_avg_wait_ms,
  );
  return gather(slow.map(judgeWait), (count) => `Clients wait long for server connections of ${count} databases.`);
}

function judgeWait(row: StatisticsRow): Finding {
  const { pooler, database, avg_wait_time, avg_waiting, avg_xact_count, avg_xact_time, avg_query_time } = row;
  const name = quoteIdentifier(database);
  return {
    severity: 'warning',
    claim: `Clients of ${name} wait ${Math.round(avg_wait_time ?? 0)} ms on average before they get a server connection.`,
    object: name,
    evidence: { pooler, avg_wait_time, avg_waiting, avg_xact_count, avg_xact_time, avg_query_time },
    why: 'https://www.pgbouncer.org/usage.html#show-stats',
    next_step: [
      'SHOW POOLS; -- on the console: which pools are full',
      comment(
        'transactions that last longer than their queries hold connections without work: end them in the application; else raise pool_size in pgbouncer.ini if the server has room',
      ),
    ].join('\n'),
  };
}
