import { z } from 'zod';
import { byServerVersion, sql, type Sql } from '../kit/index.ts';

const count = z.int().min(0);

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-CONFLICTS-VIEW */
export const conflictCounts = {
  database: z.string().meta({ names: 'database' }),
  tablespace: count,
  lock: count,
  snapshot: count,
  buffer_pin: count,
  deadlock: count,
  logical_slot: count.nullable().describe('PostgreSQL 16 on.'),
};

interface Counts {
  /** Selects `conflictCounts` of `c`, a row of pg_stat_database_conflicts. */
  readonly columns: Sql;
  readonly total: Sql;
}

const countsWith = (slot: Sql): Counts => ({
  columns: sql`c.datname as database, c.confl_tablespace as tablespace, c.confl_lock as lock, c.confl_snapshot as snapshot,
             c.confl_bufferpin as buffer_pin, c.confl_deadlock as deadlock, ${slot} as logical_slot`,
  total: sql`c.confl_tablespace + c.confl_lock + c.confl_snapshot + c.confl_bufferpin + c.confl_deadlock + coalesce(${slot}, 0)`,
});

export function byConflicts(select: (counts: Counts) => Sql) {
  return byServerVersion({
    12: select(countsWith(sql`null::bigint`)),
    16: select(countsWith(sql`c.confl_active_logicalslot`)),
  });
}
