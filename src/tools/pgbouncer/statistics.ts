import type { ConsoleRow } from '../../postgres/console-rows.ts';
import type { StatisticsRow } from './statistics-row.ts';

/** How long clients have waited lately. */
type Waits = Pick<StatisticsRow, 'avg_wait_time' | 'avg_waiting'>;

const ASSIGNMENTS = 'avg_server_assignment_count';

export function describeStatistics(row: ConsoleRow): Omit<StatisticsRow, 'pooler' | 'database' | 'server_database'> {
  return {
    total_xact_count: row.integer('total_xact_count'),
    total_query_count: row.integer('total_query_count'),
    total_received: row.integer('total_received'),
    total_sent: row.integer('total_sent'),
    total_xact_time: row.milliseconds('total_xact_time'),
    total_query_time: row.milliseconds('total_query_time'),
    total_wait_time: row.milliseconds('total_wait_time'),
    avg_xact_count: row.integer('avg_xact_count'),
    avg_query_count: row.integer('avg_query_count'),
    avg_recv: row.integer('avg_recv'),
    avg_sent: row.integer('avg_sent'),
    avg_xact_time: row.milliseconds('avg_xact_time'),
    avg_query_time: row.milliseconds('avg_query_time'),
    ...waitsOf(row),
  };
}

/**
 * Until 1.22 `avg_wait_time` is what all clients together waited in each second, which says how many waited at once and
 * not how long any of them: https://www.pgbouncer.org/changelog.html#pgbouncer-123x. Rates are whole numbers, so that a
 * rate of 0 is one that is not known.
 */
function waitsOf(row: ConsoleRow): Waits {
  const average = row.milliseconds('avg_wait_time');
  const assignments = row.integer(ASSIGNMENTS);
  if (average === null) return { avg_wait_time: null, avg_waiting: null };
  if (assignments !== null) return { avg_wait_time: average, avg_waiting: round((average * assignments) / 1000) };
  const transactions = row.integer('avg_xact_count') || null;
  return {
    avg_wait_time: transactions === null ? null : round(average / transactions),
    avg_waiting: round(average / 1000),
  };
}

function round(value: number): number {
  return Math.round(1000 * value) / 1000;
}
