import { isUserSchema, percentOf, sql, type Param, type Sql } from '../kit/index.ts';

/** What the type of a column allows; null when that is more than bigint does. */
const columnMax = sql`case u.base when 'smallint'::regtype then 32767 when 'integer'::regtype then 2147483647 when 'bigint'::regtype then 9223372036854775807 end`;

const typeMax = sql`case s.seqtypid when 'smallint'::regtype then 32767 when 'integer'::regtype then 2147483647 else 9223372036854775807 end`;

interface Scope {
  /** A condition on `c` of pg_class and `n` of pg_namespace. */
  readonly among: Sql;
  readonly limit: Sql | Param;
  /** Whether a lock has kept a value from us. */
  readonly estimateSizes: Sql | Param;
  /** More columns, of `u` with all of pg_sequence; each begins with a comma. */
  readonly more?: Sql;
  /** The fullest first if left out. */
  readonly orderBy?: Sql;
  /** How many there are, if that is more than meet the condition. */
  readonly total?: Sql;
}

/** Selects `row` and `about`, and how many sequences there are as `total_rows`. */
export function usedSequences({
  among,
  limit,
  estimateSizes,
  more = sql``,
  orderBy = sql`used_percent desc nulls last, u.nspname, u.relname`,
  total = sql`pg_catalog.count(*) over ()`,
}: Scope): Sql {
  return sql`
      with recursive locked as materialized (
        -- pg_sequence_last_value() would wait for these: https://www.postgresql.org/docs/current/explicit-locking.html
        select distinct l.relation as oid
          from pg_catalog.pg_locks l
         where l.locktype = 'relation' and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
           and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      ),
      listed as materialized (
        select c.oid, n.nspname, c.relname, s.*, ${typeMax} as type_max,
               case when not pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT') then 'right'
                    when c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery() then 'standby'
                    when ${estimateSizes}::boolean or exists (select from locked l where l.oid = c.oid) then 'lock' end as unreadable
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_sequence s on s.seqrelid = c.oid
         where c.relkind = 'S' and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and ${among}
      ),
      fed as (
        -- a: owned by the column, i: its identity; n: used in its default
        select l.oid as sequence, d.refobjid as relation, d.refobjsubid as attnum, true as owns, d.deptype = 'i' as identity
          from listed l
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = l.oid
                                     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
        union all
        select l.oid, f.adrelid, f.adnum, false, false
          from listed l
          join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = l.oid
                                     and d.classid = 'pg_catalog.pg_attrdef'::regclass
          join pg_catalog.pg_attrdef f on f.oid = d.objid
      ),
      bases (type, base) as (
        select distinct a.atttypid, a.atttypid from fed f join pg_catalog.pg_attribute a on a.attrelid = f.relation and a.attnum = f.attnum
        union all
        select b.type, t.typbasetype from bases b join pg_catalog.pg_type t on t.oid = b.base and t.typtype = 'd'
      ),
      narrowest as materialized (
        select distinct on (f.sequence) f.sequence, f.relation, f.attnum, f.identity, a.attname,
               pg_catalog.format_type(u.base, null) as type, u.base, ${columnMax} as column_max
          from fed f
          join pg_catalog.pg_attribute a on a.attrelid = f.relation and a.attnum = f.attnum and not a.attisdropped
          join bases u on u.type = a.atttypid
          join pg_catalog.pg_type t on t.oid = u.base and t.typtype <> 'd'
         order by f.sequence, column_max nulls last, f.owns desc, a.attinhcount, f.relation, f.attnum
      ),
      bounded as materialized (
        select l.*, w.relation, w.attnum, w.attname, w.type, coalesce(w.identity, false) as identity, w.column_max,
               l.seqincrement > 0 as up,
               case when l.unreadable is null then pg_catalog.pg_sequence_last_value(l.oid) end as last_value,
               -- how far it may go by itself, and by its column, counted from 0 in its own direction
               case when l.seqincrement > 0 then l.seqmax::numeric else -l.seqmin::numeric end as own_bound,
               l.type_max::numeric + case when l.seqincrement > 0 then 0 else 1 end as type_bound,
               w.column_max::numeric + case when l.seqincrement > 0 then 0 else 1 end as column_bound
          from listed l
          left join narrowest w on w.sequence = l.oid
      ),
      measured as (
        select b.*, case when b.up then 1 else -1 end as sign, least(b.own_bound, b.column_bound) as bound,
               case when b.up then b.seqmin::numeric else -b.seqmax::numeric end as first,
               case when b.up then 1 else -1 end * b.last_value::numeric as last,
               case when b.up then 1 else -1 end * b.seqstart::numeric as start
          from bounded b
      ),
      used as (
        -- one that was never used has used what lies before its start
        select m.*, coalesce(m.last + 1, m.start) - m.first as taken, greatest(m.bound - m.first + 1, 0) as capacity
          from measured m
      )
      select u.nspname as schema, u.relname as sequence, pg_catalog.format_type(u.seqtypid, null) as sequence_type,
             n.nspname as table_schema, t.relname as table, u.attname as column, u.type as column_type, u.identity,
             u.seqincrement::text as increment, u.seqcycle as cycles, u.last_value::text as last_value, (u.sign * u.bound)::text as last_possible,
             case when u.column_bound < u.own_bound then 'column' when u.column_bound = u.own_bound then 'both' else 'sequence' end as limited_by,
             u.own_bound < u.type_bound as own_bound,
             case when u.unreadable is null then greatest(
               pg_catalog.div(u.bound - coalesce(u.last, u.start - pg_catalog.abs(u.seqincrement)), pg_catalog.abs(u.seqincrement)), 0)::text end as remaining,
             case when u.unreadable is not null then null when u.capacity = 0 then 100 else ${percentOf(sql`u.taken`, sql`u.capacity`)} end as used_percent,
             pg_catalog.to_json(array(
               select pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(fc.relname) || '.' || pg_catalog.quote_ident(fa.attname)
                 from pg_catalog.pg_constraint k
                 join pg_catalog.pg_class fc on fc.oid = k.conrelid
                 join pg_catalog.pg_namespace fn on fn.oid = fc.relnamespace
                 join pg_catalog.pg_attribute fa on fa.attrelid = k.conrelid
                                                and fa.attnum = k.conkey[pg_catalog.array_position(k.confkey, u.attnum::smallint)]
                where k.contype = 'f' and k.conparentid = 0 and k.confrelid = u.relation and u.attnum::smallint = any (k.confkey)
                  and fa.atttypid in ('smallint'::regtype, 'integer'::regtype)
                order by 1)) as narrower_references,
             u.unreadable,
             pg_catalog.count(*) filter (where u.unreadable = 'right') over () as without_right,
             pg_catalog.to_json(array(
               select distinct pg_catalog.quote_ident(l.nspname) from listed l where l.unreadable = 'right' order by 1)) as without_right_in,
             pg_catalog.count(*) filter (where u.unreadable = 'lock') over () as behind_lock,
             pg_catalog.count(*) filter (where u.unreadable = 'standby') over () as unlogged,
             ${total} as total_rows${more}
        from used u
        left join pg_catalog.pg_class t on t.oid = u.relation
        left join pg_catalog.pg_namespace n on n.oid = t.relnamespace
       order by ${orderBy}
       limit ${limit}`;
}
