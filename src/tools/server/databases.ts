import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  gather,
  param,
  percentOf,
  quoteIdentifier,
  sql,
  type Finding,
  type NotExamined,
  type RowOf,
  type Sql,
} from '../kit/index.ts';

const percent = z.number().nullable().meta({ unit: 'percent' });
const count = z.int().min(0).nullable();

/** VACUUM is forced at 100 % of autovacuum_freeze_max_age; this far beyond, it does not keep up. */
const BEHIND_FREEZE_PERCENT = 150;
/** Of 2^31. vacuum_failsafe_age, the emergency mode of PostgreSQL 14, is 75 %. */
const CRITICAL_PERCENT = 75;

/** Of `d`, a row of pg_database: whether it is still there; functions that take its oid fail when it was just dropped. */
export const isThere = sql`pg_catalog.has_database_privilege(d.oid, 'CONNECT') is not null`;

/** Null where it may not be measured: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE */
export const databaseSize = sql`case when ${isThere} and (pg_catalog.has_database_privilege(d.oid, 'CONNECT') or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'))
                  then pg_catalog.pg_database_size(d.oid) end`;

function ofSetting(age: Sql, setting: Sql): Sql {
  return percentOf(age, sql`pg_catalog.current_setting(${setting})::bigint`);
}

export const databaseRow = {
  database: z.string().meta({ names: 'database' }),
  owner: z.string(),
  size: z
    .int()
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('Null where the login may neither connect nor read all statistics.'),
  encoding: z.string(),
  collation: z.string(),
  connection_limit: z.int().nullable(),
  allows_connections: z.boolean(),
  connections: z.int().nullable(),
  xid_age: z.int(),
  xid_freeze_percent: percent.describe('Of autovacuum_freeze_max_age, at which VACUUM is forced.'),
  xid_wraparound_percent: percent.describe('Of 2^31, shortly before which the server takes no more writes.'),
  mxid_age: z.int(),
  mxid_freeze_percent: percent.describe('Of autovacuum_multixact_freeze_max_age.'),
  mxid_wraparound_percent: percent,
  commits: count,
  rollbacks: count.describe('Reading diagnostics adds to it: each ends in a rollback.'),
  hit_percent: percent.describe('Share of blocks that were in shared_buffers.'),
  deadlocks: count,
  checksum_failures: count,
  temp_size: z.number().nullable().meta({ unit: 'bytes' }),
  conflicts: count.describe('Queries that replay cancelled, on a standby.'),
  counted_since: z.iso.datetime().nullable(),
};

/** Of databasesFrom, the columns of databaseRow but for the size. */
export const databaseColumns = sql`d.datname as database, pg_catalog.pg_get_userbyid(d.datdba) as owner,
             pg_catalog.pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collation,
             case when d.datconnlimit >= 0 then d.datconnlimit end as connection_limit,
             d.datallowconn as allows_connections, s.numbackends as connections,
             d.xid_age, ${ofSetting(sql`d.xid_age`, sql`'autovacuum_freeze_max_age'`)} as xid_freeze_percent,
             ${percentOf(sql`d.xid_age`, sql`2147483648`)} as xid_wraparound_percent,
             d.mxid_age, ${ofSetting(sql`d.mxid_age`, sql`'autovacuum_multixact_freeze_max_age'`)} as mxid_freeze_percent,
             ${percentOf(sql`d.mxid_age`, sql`2147483648`)} as mxid_wraparound_percent,
             s.xact_commit as commits, s.xact_rollback as rollbacks,
             ${percentOf(sql`s.blks_hit`, sql`(s.blks_hit + s.blks_read)`)} as hit_percent,
             s.deadlocks, s.checksum_failures, s.temp_bytes as temp_size, s.conflicts, s.stats_reset as counted_since`;

export const databasesFrom = sql`(
          select o.*, pg_catalog.age(o.datfrozenxid) as xid_age, pg_catalog.mxid_age(o.datminmxid) as mxid_age
            from pg_catalog.pg_database o
        ) d
        left join pg_catalog.pg_stat_database s on s.datid = d.oid`;

export const databases = definePart({
  what: 'databases',
  row: databaseRow,
  sql: byServerVersion({
    12: sql`
      select ${databaseSize} as size, ${databaseColumns}
        from ${databasesFrom}
       order by ${closedLast(sql`d.datname`)}, d.datname = pg_catalog.current_database() desc, greatest(d.xid_age, d.mxid_age) desc, d.datname
       limit ${param('limit')}`,
  }),
});
export type Database = RowOf<typeof databases>;

export const totals = definePart({
  what: 'totals of the server',
  row: {
    databases: z.int().min(0),
    checksum_failures: count.describe('Of all databases and the shared catalogues; null when checksums are off.'),
    last_checksum_failure: z.iso.datetime().nullable(),
    deadlocks: count,
    temp_size: z.number().nullable().meta({ unit: 'bytes' }),
  },
  sql: byServerVersion({
    12: sql`
      select (select pg_catalog.count(*) from pg_catalog.pg_database) as databases,
             pg_catalog.sum(s.checksum_failures)::bigint as checksum_failures,
             pg_catalog.max(s.checksum_last_failure) as last_checksum_failure,
             pg_catalog.sum(s.deadlocks)::bigint as deadlocks, pg_catalog.sum(s.temp_bytes) as temp_size
        from pg_catalog.pg_stat_database s`,
  }),
});

/** What wraparound is judged by. */
type Aged = Pick<
  Database,
  | 'database'
  | 'xid_age'
  | 'xid_freeze_percent'
  | 'xid_wraparound_percent'
  | 'mxid_age'
  | 'mxid_freeze_percent'
  | 'mxid_wraparound_percent'
>;

/** https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND */
export function judgeWraparound(rows: readonly Aged[], maxPercent: number): Finding[] {
  return gather(
    rows.flatMap((row) => {
      const wraparound = Math.max(row.xid_wraparound_percent ?? 0, row.mxid_wraparound_percent ?? 0);
      const freeze = Math.max(row.xid_freeze_percent ?? 0, row.mxid_freeze_percent ?? 0);
      if (wraparound < maxPercent && freeze < BEHIND_FREEZE_PERCENT) return [];
      const { database, xid_age, xid_freeze_percent, xid_wraparound_percent, mxid_age, mxid_wraparound_percent } = row;
      const object = quoteIdentifier(database);
      const ids = (mxid_wraparound_percent ?? 0) > (xid_wraparound_percent ?? 0) ? 'multixact ids' : 'transaction ids';
      return {
        severity:
          wraparound >= CRITICAL_PERCENT
            ? ('critical' as const)
            : wraparound >= maxPercent
              ? ('warning' as const)
              : ('notice' as const),
        claim:
          wraparound >= maxPercent
            ? `Database ${object} has used ${wraparound} % of the ${ids} there are before writes stop.`
            : `VACUUM does not keep up with freezing in database ${object}.`,
        object,
        evidence: { xid_age, xid_freeze_percent, xid_wraparound_percent, mxid_age, mxid_wraparound_percent },
        why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
        next_step: `-- in that database, its oldest tables:\nSELECT oid::regclass, age(relfrozenxid), mxid_age(relminmxid) FROM pg_class WHERE relkind IN ('r', 'm', 't') ORDER BY 2 DESC LIMIT 20;`,
      };
    }),
    (count) => `${count} databases come near the wraparound of transaction or multixact ids.`,
  );
}

export function judgeDamage(row: RowOf<typeof totals> | undefined): Finding[] {
  if (!row || (row.checksum_failures ?? 0) === 0) return [];
  const { checksum_failures, last_checksum_failure } = row;
  return [
    {
      severity: 'critical',
      claim: 'Pages were read whose checksum was wrong: there is damage on disk.',
      evidence: { checksum_failures, last_checksum_failure },
      why: 'https://www.postgresql.org/docs/current/checksums.html',
      next_step:
        'SELECT datname, checksum_failures, checksum_last_failure FROM pg_stat_database WHERE checksum_failures > 0;\n-- keep a copy of the data directory and look at backups before anything else',
    },
  ];
}

export function unmeasured(rows: readonly Database[]): NotExamined[] {
  const hidden = rows.filter(({ size }) => size === null).map(({ database }) => quoteIdentifier(database));
  if (hidden.length === 0) return [];
  return [
    {
      what: `the size of ${hidden.join(', ')}`,
      reason: 'The login may not connect to these databases.',
      remedy: 'GRANT pg_read_all_stats, or CONNECT on them, to the login.',
    },
  ];
}
