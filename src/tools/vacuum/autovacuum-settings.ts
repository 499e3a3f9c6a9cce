import { z } from 'zod';
import { byServerVersion, definePart, sql, type Finding, type RowOf, type Sql } from '../kit/index.ts';

const count = z.int().min(0);

/** In its base unit. */
const valueOf = (name: Sql) => sql`pg_catalog.max(s.setting) filter (where s.name = ${name})`;

export const autovacuumSettings = definePart({
  what: 'the settings of autovacuum',
  row: {
    autovacuum: z.boolean(),
    track_counts: z.boolean().describe('Without it autovacuum has nothing to go by.'),
    naptime_s: count.meta({ unit: 's' }).describe('How often it looks at each database, at best.'),
    max_workers: count,
    running_workers: count.nullable().describe('In all databases.'),
    cost_limit: count.describe('Shared by all workers; they sleep each time it is used up.'),
    cost_delay_ms: z.number().min(0).meta({ unit: 'ms' }).describe('For so long.'),
  },
  sql: byServerVersion({
    12: sql`
      select ${valueOf(sql`'autovacuum'`)}::boolean as autovacuum, ${valueOf(sql`'track_counts'`)}::boolean as track_counts,
             ${valueOf(sql`'autovacuum_naptime'`)}::integer as naptime_s,
             least(${valueOf(sql`'autovacuum_max_workers'`)}::integer, ${valueOf(sql`'autovacuum_worker_slots'`)}::integer) as max_workers,
             (select case when pg_catalog.count(a.backend_type) = pg_catalog.count(*)
                          then pg_catalog.count(*) filter (where a.backend_type = 'autovacuum worker') end
                from pg_catalog.pg_stat_activity a) as running_workers,
             coalesce(nullif(${valueOf(sql`'autovacuum_vacuum_cost_limit'`)}::integer, -1), ${valueOf(sql`'vacuum_cost_limit'`)}::integer) as cost_limit,
             coalesce(nullif(${valueOf(sql`'autovacuum_vacuum_cost_delay'`)}::double precision, -1), ${valueOf(sql`'vacuum_cost_delay'`)}::double precision) as cost_delay_ms
        from pg_catalog.pg_settings s
       where s.name like '%vacuum%' or s.name = 'track_counts'`,
  }),
});
export type AutovacuumSettings = RowOf<typeof autovacuumSettings>;

/** Whether every worker has something to do; undefined when that is hidden. */
export function areAllBusy({ running_workers, max_workers }: AutovacuumSettings): boolean | undefined {
  return running_workers === null ? undefined : running_workers >= max_workers;
}

/** `due` is how many tables wait for autovacuum. */
export function judgeAutovacuum(settings: AutovacuumSettings, due: number): Finding[] {
  const { autovacuum, track_counts, max_workers, running_workers, cost_limit, cost_delay_ms } = settings;
  if (!autovacuum || !track_counts) {
    const off = autovacuum ? 'track_counts' : 'autovacuum';
    return [
      {
        severity: 'warning',
        claim: `${off} is off, so autovacuum comes only against wraparound, and ${due} ${due === 1 ? 'table waits' : 'tables wait'} for it.`,
        object: `"${off}"`,
        evidence: { autovacuum, track_counts, due },
        why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM',
        next_step: `ALTER SYSTEM SET ${off} = on;\nSELECT pg_reload_conf();`,
      },
    ];
  }
  if (areAllBusy(settings) !== true || due === 0) return [];
  return [
    {
      severity: 'warning',
      claim: `All ${max_workers} autovacuum workers are busy, and ${due} ${due === 1 ? 'table is' : 'tables are'} due.`,
      object: '"autovacuum_max_workers"',
      evidence: { running_workers, max_workers, due, cost_limit, cost_delay_ms },
      why: 'https://www.postgresql.org/docs/current/runtime-config-vacuum.html#GUC-AUTOVACUUM-VACUUM-COST-LIMIT',
      // more workers share the same limit, and are no faster together
      ...(cost_delay_ms > 0 && {
        next_step: `ALTER SYSTEM SET autovacuum_vacuum_cost_limit = ${Math.min(cost_limit * 2, 10_000)}; -- when the disks have room\nSELECT pg_reload_conf();`,
      }),
    },
  ];
}
