import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  matchesName,
  param,
  secondsSince,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { LOCK_MODES } from './lock-conflicts.ts';

/** Of serializable transactions, which nobody waits for: https://www.postgresql.org/docs/current/transaction-iso.html#XACT-SERIALIZABLE */
const PREDICATE_LOCK = 'SIReadLock';
export const ANY_MODE = [...LOCK_MODES, PREDICATE_LOCK] as const;

const text = z.string().nullable();

const MODES = sql`'{SIReadLock,AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::text[]`;

const HERE = sql`(select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())`;

/** One key is a bigint in two halves, two keys are an integer each, and pg_locks shows all of them without a sign. */
const ADVISORY_KEY = sql`case l.objsubid
                 when 1 then ((l.classid::bigint << 32) | l.objid::bigint)::text
                 else pg_catalog.format('%s, %s', ${signed(sql`l.classid::bigint`)}, ${signed(sql`l.objid::bigint`)})
               end`;

function signed(half: Sql): Sql {
  return sql`case when ${half} >= 2147483648 then ${half} - 4294967296 else ${half} end`;
}

/** Classes are catalogs, whose oids are the same in every database. */
const TARGET = sql`case
               when l.locktype in ('advisory', 'userlock') then ${ADVISORY_KEY}
               when l.locktype = 'transactionid' then l.transactionid::text
               when l.locktype = 'virtualxid' then l.virtualxid
               when l.locktype = 'object' then pg_catalog.concat_ws(' ', coalesce((select k.relname from pg_catalog.pg_class k where k.oid = l.classid and k.oid < 16384), l.classid::text), l.objid, nullif(l.objsubid, 0))
               when l.locktype = 'page' then l.page::text
               when l.locktype = 'tuple' then pg_catalog.format('(%s,%s)', l.page, l.tuple)
               when l.relation is null then pg_catalog.concat_ws(' ', l.classid, l.objid, l.objsubid)
             end`;

/** `given` is empty where the caller left it out. */
function isWanted(column: Sql, given: Sql): Sql {
  return sql`(${given} is null or ${column} = ${given})`;
}

interface Waiting {
  readonly leader: Sql;
  readonly waitstart: Sql;
  /** Since when it waits, as well as is known. */
  readonly since: Sql;
}

const locksWith = ({ leader, waitstart, since }: Waiting) => sql`
      with locks as materialized (
        select * from pg_catalog.pg_locks l where l.pid is distinct from pg_catalog.pg_backend_pid()
      ),
      prepared as materialized (
        select l.virtualtransaction, x.gid, x.owner, x.database
          from locks l
          join pg_catalog.pg_prepared_xacts x on x.transaction = l.transactionid
         where l.pid is null and l.locktype = 'transactionid' and l.granted
      ),
      matching as (
        select l.*, ${waitstart} as waiting_since, case when not l.granted then ${since} end as since, ${leader} as leader, x.gid, a.state,
               coalesce(a.usename, x.owner) as user, coalesce(a.datname, x.database, d.datname) as datname, n.nspname, c.relname,
               case when a.query not in ('<insufficient privilege>', '') then a.query end as statement
          from locks l
          left join pg_catalog.pg_stat_activity a on a.pid = l.pid
          left join prepared x on l.pid is null and x.virtualtransaction = l.virtualtransaction
          left join pg_catalog.pg_database d on d.oid = l.database
          left join pg_catalog.pg_class c on c.oid = l.relation and l.database in (0, ${HERE})
          left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where ${isWanted(sql`l.granted`, sql`${param('granted')}::boolean`)}
           and ${isWanted(sql`l.mode`, sql`${param('mode')}::text`)}
           and ${isWanted(sql`l.locktype`, sql`${param('locktype')}::text`)}
           and ${isWanted(sql`a.state`, sql`${param('state')}::text`)}
           and ${isWanted(sql`coalesce(a.usename, x.owner)`, sql`${param('user')}::text`)}
           and ${isWanted(sql`coalesce(a.datname, x.database, d.datname)`, sql`${param('of_database')}::text`)}
           and ${isWanted(sql`n.nspname`, sql`${param('schema')}::text`)}
           and ${matchesName(sql`c.relname`, param('name'))}
      )
      select coalesce(l.pid, 0) as pid, l.leader, l.gid, l.user, l.datname as database, l.state, l.locktype, l.mode, l.granted, l.fastpath,
             l.nspname as schema, l.relname as relation, ${TARGET} as target,
             case when l.relname is null then l.relation end as relation_oid,
             l.waiting_since as waitstart, ${secondsSince(sql`l.since`)} as wait_s, l.statement,
             pg_catalog.count(*) over () as total_rows
        from matching l
       -- every transaction has a lock on its own id
       order by ${closedLast(sql`l.datname`)}, l.granted, l.since, l.locktype in ('virtualxid', 'transactionid'), pg_catalog.array_position(${MODES}, l.mode) desc,
                l.pid, l.gid, l.relation
       limit ${param('limit')}`;

/** Those that somebody waits for first, then the strongest. */
export const lockRows = definePart({
  what: 'locks',
  row: {
    pid: z.int().describe('0 stands for a prepared transaction, which has no session.'),
    leader: z.int().nullable(),
    gid: text.meta({ names: 'text' }),
    user: text,
    database: text.meta({ names: 'database' }),
    state: text,
    locktype: z.string(),
    mode: z.string(),
    granted: z.boolean(),
    fastpath: z.boolean(),
    schema: text.meta({ names: 'schema' }),
    relation: text.meta({ names: 'table' }).describe('Null in another database, where relation_oid is said.'),
    relation_oid: z.int().nullable(),
    target: text.describe(
      'What else is locked: the key or both keys of an advisory lock, a transaction, (page,tuple).',
    ),
    waitstart: z.iso.datetime().nullable().describe('PostgreSQL 14 on.'),
    wait_s: z
      .number()
      .min(0)
      .nullable()
      .meta({ unit: 's' })
      .describe('How long it has waited; before PostgreSQL 14, its statement has run.'),
    statement: text.meta({ names: 'statement' }).describe('The one that runs or, when idle, the last.'),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: locksWith({ leader: sql`l.pid`, waitstart: sql`null::timestamptz`, since: sql`a.query_start` }),
    13: locksWith({
      leader: sql`coalesce(a.leader_pid, l.pid)`,
      waitstart: sql`null::timestamptz`,
      since: sql`a.query_start`,
    }),
    14: locksWith({
      leader: sql`coalesce(a.leader_pid, l.pid)`,
      waitstart: sql`l.waitstart`,
      // null in the first moment of a wait
      since: sql`coalesce(l.waitstart, pg_catalog.clock_timestamp())`,
    }),
  }),
});
export type LockRow = RowOf<typeof lockRows>;
