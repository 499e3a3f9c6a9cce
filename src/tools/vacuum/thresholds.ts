import { isUserSchema, matchesName, param, percentOf, secondsSince, sql, type Sql } from '../kit/index.ts';
import { conflictsWith } from '../locks/lock-conflicts.ts';

/** Why autovacuum comes: https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM */
export const DUE_FOR = ['xid_age', 'mxid_age', 'dead_rows', 'inserts', 'changes'] as const;

/**
 * Selects one row with what the server has where a table has no option of its own; null of what its version does not
 * know. Once, and not for each table: finding a setting by its name takes time.
 */
export const serverThresholds = sql`
        select ${numbersOf(
          sql`vacuum_threshold`,
          sql`vacuum_scale_factor`,
          sql`vacuum_max_threshold`,
          sql`vacuum_insert_threshold`,
          sql`vacuum_insert_scale_factor`,
          sql`analyze_threshold`,
          sql`analyze_scale_factor`,
          sql`freeze_max_age`,
          sql`multixact_freeze_max_age`,
        )}`;

function numbersOf(...names: readonly Sql[]): Sql {
  return names
    .map((name) => sql`pg_catalog.current_setting('autovacuum_${name}', true)::double precision as ${name}`)
    .reduce(
      (all, each) => sql`${all},
               ${each}`,
    );
}

/** An option of the table itself, `l`, or what the server has, `v`. */
function setting(name: Sql): Sql {
  return sql`coalesce((l.options ->> 'autovacuum_${name}')::double precision, v.${name})`;
}

function threshold(what: Sql, rows: Sql): Sql {
  return sql`${setting(sql`${what}_threshold`)} + ${setting(sql`${what}_scale_factor`)} * ${rows}`;
}

/** The table's own limit counts only where it is lower. */
export function freezeAge(name: Sql): Sql {
  return sql`least((l.options ->> 'autovacuum_${name}')::double precision, v.${name})::bigint`;
}

/**
 * Selects the oids of relations on which somebody holds or awaits a lock that conflicts with that of VACUUM: autovacuum
 * passes by. Not of workers, nor of VACUUM itself.
 */
const locksAgainstVacuum = sql`
        select distinct l.relation as oid
          from pg_catalog.pg_locks l
          left join pg_catalog.pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'relation' and l.mode = any (${conflictsWith(sql`'ShareUpdateExclusiveLock'`)})
           and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
           and a.backend_type is distinct from 'autovacuum worker'
           and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = l.pid)`;

/** A standby counts nothing. */
export function onPrimary(count: Sql): Sql {
  return sql`case when not pg_catalog.pg_is_in_recovery() then ${count} end`;
}

/** What thresholds depend on the version. */
interface Since {
  /** Null where no number of inserts makes a table due. */
  readonly insertsAt: Sql;
  readonly inserts: Sql;
  /** Above which no threshold of dead rows goes; below 0 there is none. */
  readonly mostDeadRows: Sql;
  readonly unfrozen: Sql;
}

/**
 * By the rules of relation_needs_vacanalyze() in autovacuum.c. TOAST is vacuumed by itself, by its own options or, if it
 * has none, by those of its table.
 */
export const judgedTables = ({ insertsAt, inserts, mostDeadRows, unfrozen }: Since) => sql`
      with locked as materialized (${locksAgainstVacuum}
      ),
      server as materialized (${serverThresholds}
      ),
      relations as (
        select c.oid, n.nspname, c.relname, false as toast, c.relkind, c.reltuples, c.relfrozenxid, c.relminmxid, ${unfrozen} as unfrozen, c.reloptions
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        union all
        select c.oid, n.nspname, t.relname, true, t.relkind, c.reltuples, c.relfrozenxid, c.relminmxid, ${unfrozen}, coalesce(c.reloptions, t.reloptions)
          from pg_catalog.pg_class t
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
          join pg_catalog.pg_class c on c.oid = t.reltoastrelid
         where t.relpersistence <> 't'
      ),
      listed as materialized (
        select r.*, greatest(r.reltuples, 0)::double precision as tuples,
               -- most have none
               case when r.reloptions is not null then (
                 select pg_catalog.jsonb_object_agg(o.option_name, o.option_value) from pg_catalog.pg_options_to_table(r.reloptions) o) end as options
          from relations r
         where (${param('schema')}::text is null or r.nspname = ${param('schema')}::text) and ${matchesName(sql`r.relname`, param('name'))}
      ),
      thresholds as (
        select l.*, coalesce((l.options ->> 'autovacuum_enabled')::boolean, true) as enabled,
               ${threshold(sql`vacuum`, sql`l.tuples`)} as dead_rows_at, ${mostDeadRows} as most_dead_rows,
               ${insertsAt} as inserts_at,
               -- ANALYZE takes neither
               case when not l.toast and l.oid <> 'pg_catalog.pg_statistic'::regclass then ${threshold(sql`analyze`, sql`l.tuples`)} end as changes_at,
               ${freezeAge(sql`freeze_max_age`)} as xid_at, ${freezeAge(sql`multixact_freeze_max_age`)} as mxid_at
          from listed l
         cross join server v
      ),
      counted as (
        select t.*,
               pg_catalog.floor(case when t.most_dead_rows >= 0 then least(t.dead_rows_at, t.most_dead_rows) else t.dead_rows_at end)::bigint as dead_at,
               pg_catalog.floor(t.inserts_at)::bigint as insert_at, pg_catalog.floor(t.changes_at)::bigint as change_at,
               case when not t.relfrozenxid = '0'::xid then pg_catalog.age(t.relfrozenxid) end as xid_age,
               case when not t.relminmxid = '0'::xid then pg_catalog.mxid_age(t.relminmxid) end as mxid_age,
               s.dead, s.inserts, s.changes
          from thresholds t
         cross join lateral (
           select ${onPrimary(sql`pg_catalog.pg_stat_get_dead_tuples(t.oid)`)} as dead, ${onPrimary(inserts)} as inserts,
                  case when t.changes_at is not null then ${onPrimary(sql`pg_catalog.pg_stat_get_mod_since_analyze(t.oid)`)} end as changes
         ) s
         where not ${param('aged_only')}::boolean
            or pg_catalog.age(t.relfrozenxid) > t.xid_at and not t.relfrozenxid = '0'::xid or pg_catalog.mxid_age(t.relminmxid) > t.mxid_at and not t.relminmxid = '0'::xid
      ),
      judged as materialized (
        select c.*,
               pg_catalog.array_remove(array[
                 case when c.xid_age > c.xid_at then 'xid_age' end, case when c.mxid_age > c.mxid_at then 'mxid_age' end,
                 case when c.dead > c.dead_at then 'dead_rows' end, case when c.inserts > c.insert_at then 'inserts' end,
                 case when c.changes > c.change_at then 'changes' end], null) as due,
               greatest(${percentOf(sql`c.dead`, sql`greatest(c.dead_at, 1)`)}, ${percentOf(sql`c.inserts`, sql`greatest(c.insert_at, 1)`)},
                        ${percentOf(sql`c.changes`, sql`greatest(c.change_at, 1)`)}) as percent
          from counted c
      )`;

/** Of `judged` as `j`, the columns of `judgedTable`. */
export const judgedColumns = (
  timeOf: TimeOf,
) => sql`j.nspname as schema, j.relname as table, case when j.toast then 'toast' when j.relkind = 'm' then 'materialized_view' else 'table' end as part,
             j.enabled as autovacuum, pg_catalog.to_json(j.due) as due, j.percent,
             j.tuples::bigint as rows, j.dead as dead_rows, j.dead_at as dead_rows_at, j.inserts, j.insert_at as inserts_at,
             j.changes, j.change_at as changes_at, j.xid_age, j.xid_at as xid_age_at, j.mxid_age, j.mxid_at as mxid_age_at,
             pg_catalog.pg_stat_get_last_vacuum_time(j.oid) as last_vacuum, pg_catalog.pg_stat_get_last_autovacuum_time(j.oid) as last_autovacuum,
             pg_catalog.pg_stat_get_last_analyze_time(j.oid) as last_analyze, pg_catalog.pg_stat_get_last_autoanalyze_time(j.oid) as last_autoanalyze,
             ${onPrimary(sql`pg_catalog.pg_stat_get_vacuum_count(j.oid)`)} as vacuums, ${onPrimary(sql`pg_catalog.pg_stat_get_autovacuum_count(j.oid)`)} as autovacuums,
             ${onPrimary(sql`pg_catalog.pg_stat_get_analyze_count(j.oid)`)} as analyzes, ${onPrimary(sql`pg_catalog.pg_stat_get_autoanalyze_count(j.oid)`)} as autoanalyzes,
             exists (select from pg_catalog.pg_stat_progress_vacuum v where v.relid = j.oid) as running,
             exists (select from locked l where l.oid = j.oid) as locked,
             ${secondsSince(sql`greatest(pg_catalog.pg_stat_get_last_vacuum_time(j.oid), pg_catalog.pg_stat_get_last_autovacuum_time(j.oid))`)} as vacuumed_s,
             case when pg_catalog.pg_stat_get_last_autovacuum_time(j.oid) >= coalesce(pg_catalog.pg_stat_get_last_vacuum_time(j.oid), '-infinity')
                  then ${timeOf(sql`autovacuum`)} else ${timeOf(sql`vacuum`)} end / 1000 as vacuum_took_s`;

/** In PostgreSQL 18 the pg_stat_get_total_…_time() of a table. */
export type TimeOf = (what: Sql) => Sql;

export const untimed: TimeOf = () => sql`null::double precision`;
export const timed: TimeOf = (what) => sql`pg_catalog.pg_stat_get_total_${what}_time(j.oid)`;

/** Of the system's own tables only those that are due, unless they are asked for; TOAST only where there is something to clean. */
export const worthListing = sql`(j.due <> '{}' or ${param('schema')}::text is not null or ${isUserSchema(sql`j.nspname`)})
         and (j.due <> '{}' or j.percent > 0 or not j.toast)`;

const NOTHING = sql`null::double precision`;
const insertsAt = (rows: Sql) =>
  sql`case when ${setting(sql`vacuum_insert_threshold`)} >= 0 then ${threshold(sql`vacuum_insert`, rows)} end`;
const since13: Since = {
  insertsAt: insertsAt(sql`l.tuples`),
  inserts: sql`pg_catalog.pg_stat_get_ins_since_vacuum(t.oid)`,
  mostDeadRows: NOTHING,
  unfrozen: NOTHING,
};

/** By the version that they came with. */
export const THRESHOLDS = {
  12: { ...since13, insertsAt: NOTHING, inserts: sql`null::bigint` },
  13: since13,
  18: {
    insertsAt: insertsAt(sql`l.tuples * l.unfrozen`),
    inserts: sql`pg_catalog.pg_stat_get_ins_since_vacuum(t.oid)`,
    mostDeadRows: setting(sql`vacuum_max_threshold`),
    // inserted rows that are frozen already are not worth another visit
    unfrozen: sql`case when c.relpages > 0 and c.reltuples > 0 then 1 - least(c.relallfrozen, c.relpages)::double precision / c.relpages else 1 end`,
  },
} as const satisfies Readonly<Record<number, Since>>;
