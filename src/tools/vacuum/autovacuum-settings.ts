import { z } from 'zod';
import {
  byServerVersion,
  changeSettings,
  definePart,
  sql,
  type ConnectionFacts,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';

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
    off_by: z.string().nullable().describe('Where the one of these that is off was set, such as command line.'),
    running_workers: count.nullable().describe('In all databases.'),
    cost_limit: count.describe('Shared by all workers; they sleep each time it is used up.'),
    cost_delay_ms: z.number().min(0).meta({ unit: 'ms' }).describe('For so long.'),
  },
  sql: byServerVersion({
    12: sql`
      select ${valueOf(sql`'autovacuum'`)}::boolean as autovacuum, ${valueOf(sql`'track_counts'`)}::boolean as track_counts,
             pg_catalog.max(s.source) filter (where s.name in ('autovacuum', 'track_counts') and s.setting = 'off') as off_by,
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

interface Waiting {
  /** Tables that are due. */
  readonly due: number;
  /** Those that are far beyond, and that no worker has. */
  readonly waiting: number;
  readonly service: ConnectionFacts['service'];
}

export function judgeAutovacuum(settings: AutovacuumSettings, { due, waiting, service }: Waiting): Finding[] {
  const { off_by, autovacuum, track_counts, max_workers, running_workers, cost_limit, cost_delay_ms } = settings;
  if (!autovacuum || !track_counts) {
    const off = autovacuum ? 'track_counts' : 'autovacuum';
    return [
      {
        severity: 'warning',
        claim: `${off} is off, so autovacuum comes only against wraparound, and ${due} ${due === 1 ? 'table waits' : 'tables wait'} for it.`,
        object: `"${off}"`,
        evidence: { autovacuum, track_counts, off_by, due },
        why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM',
        next_step: turnOn(off, off_by, service),
      },
    ];
  }
  if (areAllBusy(settings) !== true || waiting === 0) return [];
  return [
    {
      severity: 'warning',
      claim: `All ${max_workers} autovacuum workers are busy, and ${waiting} ${waiting === 1 ? 'table has' : 'tables have'} waited long for one.`,
      object: '"autovacuum_max_workers"',
      evidence: { running_workers, max_workers, waiting, due, cost_limit, cost_delay_ms },
      why: 'https://www.postgresql.org/docs/current/runtime-config-vacuum.html#GUC-AUTOVACUUM-VACUUM-COST-LIMIT',
      // more workers share the same limit, and are no faster together
      ...(cost_delay_ms > 0 && {
        next_step: changeSettings(service, [
          {
            name: 'autovacuum_vacuum_cost_limit',
            value: `${Math.min(cost_limit * 2, 10_000)}`,
            note: 'when the disks have room',
          },
        ]),
      }),
    },
  ];
}

/** ALTER SYSTEM succeeds, and changes nothing, where something with precedence over its file has the setting. */
function turnOn(name: string, source: string | null, service: ConnectionFacts['service']): string {
  if (source === 'command line') {
    return `-- the command line of the server has ${name} = off: mend it where the server is started, such as a service or a container, and restart`;
  }
  if (source?.includes('database') === true || source === 'user') {
    return '-- it is set for this login or database\nSELECT setdatabase, setrole, setconfig FROM pg_db_role_setting;';
  }
  return changeSettings(service, [{ name, value: 'on' }]);
}
