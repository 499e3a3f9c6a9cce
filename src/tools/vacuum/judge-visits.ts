import { gather, quoteName, type Finding } from '../kit/index.ts';
import type { VisitedTable } from './visited-table.ts';

/** One slow visit, as the first after a load, says nothing of the next. */
const MIN_VISITS = 3;

type Visited = Pick<VisitedTable, 'schema' | 'table' | 'part' | 'autovacuum_count' | 'total_autovacuum_time'>;

/** Dead rows pile up while a worker is at such a table, and the other tables wait for one. */
export function judgeVisits(rows: readonly Visited[], slowS: number): Finding[] {
  const slow = rows.flatMap((row) => {
    const visits = row.autovacuum_count ?? 0;
    const meanS = Math.round((row.total_autovacuum_time ?? 0) / Math.max(visits, 1) / 1000);
    return visits >= MIN_VISITS && meanS > slowS ? [judge(row, meanS)] : [];
  });
  return gather(slow, (count) => `Autovacuum takes long for each of ${count} tables.`);
}

function judge({ schema, table, part, autovacuum_count, total_autovacuum_time }: Visited, meanS: number): Finding {
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `Autovacuum takes ${meanS} s on average for ${part === 'toast' ? 'the TOAST of ' : ''}${object}.`,
    object,
    evidence: { autovacuum_count, total_autovacuum_time_ms: total_autovacuum_time, mean_s: meanS },
    why: 'https://www.postgresql.org/docs/current/runtime-config-vacuum.html#GUC-AUTOVACUUM-VACUUM-COST-LIMIT',
    next_step:
      "-- a higher cost limit lets it go faster where the disks have room; too little memory sends it through the indexes again and again\nSELECT name, setting, unit FROM pg_settings WHERE name IN ('autovacuum_vacuum_cost_limit', 'vacuum_cost_limit', 'autovacuum_vacuum_cost_delay', 'autovacuum_work_mem', 'maintenance_work_mem');",
  };
}
