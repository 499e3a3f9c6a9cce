import { z } from 'zod';
import { byServerVersion, definePart, isUserSchema, lockedRelations, param, sql, type Sql } from '../kit/index.ts';
import { measuredRoots } from '../tables/measure.ts';
import { estimateWhereMany, strategy } from './partitioned-tables.ts';

/** What is read of a database at most. */
export const NODES_AT_MOST = 2000;
export const BOUNDS_AT_MOST = 10_000;

const count = z.int().min(0);
const oid = z.int();

/** Partitioned tables, also those that are partitions. */
const nodesOf = (columns: Sql) => sql`
        select ${columns}
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_partitioned_table t on t.partrelid = c.oid
         where c.relkind = 'p' and c.relpersistence <> 't' and ${isUserSchema(sql`n.nspname`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)`;

/** Leaves of each table that is partitioned and no partition, as `leaves (root, oid, relname, nspname, reloptions)`. */
const leaves = sql`tree (root, oid) as (
        ${nodesOf(sql`c.oid, c.oid`)} and not c.relispartition
        union all
        select t.root, h.inhrelid
          from tree t
          join pg_catalog.pg_class p on p.oid = t.oid and p.relkind = 'p'
          join pg_catalog.pg_inherits h on h.inhparent = p.oid
      ),
      leaves as materialized (
        select t.root, c.oid, c.relname, n.nspname, c.reloptions
          from tree t
          join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'r'
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      )`;

export const nodes = definePart({
  what: 'partitioned tables',
  row: {
    oid,
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    strategy: z.enum(['range', 'list', 'hash']),
    key_column: z.string().nullable().meta({ names: 'column' }),
    key_type: z.string().nullable(),
    bounded_above: z.boolean(),
    partitions: count,
    zone: z.string().nullable(),
    total_rows: count,
    now: z.number().describe('Seconds since 1970, for a key without a time zone by the clock of the server.'),
  },
  sql: byServerVersion({
    12: sql`
      with recursive nodes as materialized (
        ${nodesOf(sql`c.oid, n.nspname, c.relname, c.relispartition, ${strategy} as strategy, case when t.partnatts = 1 then t.partattrs[0] end as attnum`)}
      ),
      -- one that is a partition by the same column ends where its own bounds do
      above (oid, ancestor) as (
        select n.oid, h.inhparent from nodes n join pg_catalog.pg_inherits h on h.inhrelid = n.oid where n.relispartition
        union all
        select a.oid, h.inhparent from above a join pg_catalog.pg_inherits h on h.inhrelid = a.ancestor
      )
      select n.oid, n.nspname as schema, n.relname as table, n.strategy, a.attname as key_column, pg_catalog.format_type(a.atttypid, null) as key_type,
             exists (
               select from above b
                 join pg_catalog.pg_partitioned_table t on t.partrelid = b.ancestor and t.partstrat = 'r'
                 join pg_catalog.pg_attribute o on o.attrelid = b.ancestor and o.attnum = t.partattrs[0]
                where b.oid = n.oid and o.attname = a.attname) as bounded_above,
             (select pg_catalog.count(*) from pg_catalog.pg_inherits h where h.inhparent = n.oid) as partitions, z.name as zone,
             pg_catalog.count(*) over () as total_rows, (case when a.atttypid = 'timestamptz'::regtype then extract(epoch from pg_catalog.now())
                   else extract(epoch from pg_catalog.now() at time zone z.name) end)::double precision as now
        from nodes n
        left join pg_catalog.pg_attribute a on a.attrelid = n.oid and a.attnum = n.attnum
       -- ours is UTC; this is what a session has that sets none
       cross join (select s.reset_val as name from pg_catalog.pg_settings s where s.name = 'TimeZone') z
       order by n.relispartition, n.nspname, n.relname
       limit ${param('nodes')}`,
  }),
});

/** Of one end of a range of timestamps with time zone what the clock of the server shows; null where it shows that twice. */
const localTime = (end: Sql) => sql`(
               select t.local::text
                 from zone z
                cross join lateral pg_catalog.substring(b.bound, '${end} \\(''(\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\+00)''\\)') u (literal)
                cross join lateral (select u.literal::timestamp with time zone at time zone z.name as local) t
                where p.zoned and t.local at time zone z.name = u.literal::timestamp with time zone)`;

const boundsWith = (isPending: Sql) => sql`
      with locked as materialized (${lockedRelations}
      ),
      -- what a session has that sets none, by a name that is no abbreviation, so that it may follow a time
      zone as materialized (
        select s.reset_val as name from pg_catalog.pg_settings s where s.name = 'TimeZone' and s.reset_val ~ '^[A-Z][A-Za-z_]+/[A-Za-z0-9_+/-]+$'
      ),
      parts as materialized (
        select p.oid as parent, h.inhrelid as oid, a.atttypid = 'timestamptz'::regtype as zoned
          from (${nodesOf(sql`c.oid, t.partdefid, t.partattrs[0] as attnum`)} and t.partstrat = 'r' and t.partnatts = 1) p
          join pg_catalog.pg_attribute a on a.attrelid = p.oid and a.attnum = p.attnum
           and a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)
          join pg_catalog.pg_inherits h on h.inhparent = p.oid and h.inhrelid <> p.partdefid and not ${isPending}
         -- whole tables, those of few partitions first
         order by pg_catalog.count(*) over (partition by p.oid), p.oid
         limit ${param('bounds')}
      )
      select p.parent, c.relkind = 'p' as partitioned, b.bound, ${localTime(sql`FROM`)} as local_from, ${localTime(sql`TO`)} as local_to
        from parts p
        join pg_catalog.pg_class c on c.oid = p.oid
       cross join lateral (
         select case when not (${param('estimate_sizes')}::boolean or exists (select from locked l where l.oid = p.oid))
                     then pg_catalog.pg_get_expr(c.relpartbound, c.oid) end as bound
         offset 0
       ) b`;

export const bounds = definePart({
  what: 'bounds of partitions',
  row: {
    parent: oid,
    partitioned: z.boolean(),
    bound: z.string().nullable().meta({ names: 'bound', table: 'parent' }),
    local_from: z.string().nullable().meta({ names: 'bound', table: 'parent' }),
    local_to: z.string().nullable().meta({ names: 'bound', table: 'parent' }),
  },
  sql: byServerVersion({ 12: boundsWith(sql`false`), 14: boundsWith(sql`h.inhdetachpending`) }),
});

export const defaults = definePart({
  what: 'default partitions',
  row: {
    parent: oid,
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    rows: count.nullable(),
    size: z.int().nullable(),
    locked: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      with recursive roots as materialized (
        ${nodesOf(sql`c.oid as parent, t.partdefid as oid`)} and t.partdefid <> 0
      ),
      ${measuredRoots(estimateWhereMany)}
      select r.parent, n.nspname as schema, c.relname as table, m.rows, m.size, exists (select from locked l where l.oid = r.oid) as locked
        from roots r
        join pg_catalog.pg_class c on c.oid = r.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join measured m on m.root = r.oid`,
  }),
});

const pendingWith = (source: Sql) => sql`
      select p.oid as parent, n.nspname as schema, c.relname as table
        from (${nodesOf(sql`c.oid`)}) p
        join ${source} h on h.inhparent = p.oid
        join pg_catalog.pg_class c on c.oid = h.inhrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       order by n.nspname, c.relname`;

export const pending = definePart({
  what: 'partitions that are half detached',
  row: { parent: oid, schema: z.string().meta({ names: 'schema' }), table: z.string().meta({ names: 'table' }) },
  sql: byServerVersion({
    12: pendingWith(sql`(select i.* from pg_catalog.pg_inherits i where false)`),
    14: pendingWith(sql`(select i.* from pg_catalog.pg_inherits i where i.inhdetachpending)`),
  }),
});

export const totals = definePart({
  what: 'indexes and storage parameters of partitions',
  row: {
    parent: oid,
    leaves: count,
    autovacuum_off: count,
    parameter_sets: count,
    unique_within: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      with recursive ${leaves}
      select l.root as parent, pg_catalog.count(*) as leaves,
             pg_catalog.count(*) filter (where exists (
               select from pg_catalog.pg_options_to_table(l.reloptions) o where o.option_name = 'autovacuum_enabled' and not o.option_value::boolean)) as autovacuum_off,
             pg_catalog.count(distinct coalesce(l.reloptions::text, '')) as parameter_sets,
             pg_catalog.count(*) > 1
               and not exists (select from pg_catalog.pg_index i where i.indrelid = l.root and i.indisunique)
               and pg_catalog.bool_and(exists (select from pg_catalog.pg_index i where i.indrelid = l.oid and i.indisunique and i.indisvalid)) as unique_within
        from leaves l
       group by l.root`,
  }),
});

export const uneven = definePart({
  what: 'indexes that only some partitions have',
  row: {
    parent: oid,
    columns: z.array(z.string()).meta({ names: 'column', table: 'parent' }),
    partitions_with: count,
    partitions_without: count,
    first_without: z.array(z.string()),
    index_schema: z.string().meta({ names: 'schema' }),
    index: z.string().meta({ names: 'index' }),
  },
  sql: byServerVersion({
    12: sql`
      with recursive ${leaves},
      -- what is attached to an index of the table is, in time, on every partition
      indexes as materialized (
        select l.root, l.oid, i.indexrelid, exists (select from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid) as attached
          from leaves l
          join pg_catalog.pg_index i on i.indrelid = l.oid and i.indisvalid and i.indpred is null and i.indexprs is null
      ),
      own as materialized (
        select x.root, x.oid, x.indexrelid, x.attached,
               row(c.relam, i.indisunique, i.indclass::text, i.indoption::text, i.indcollation::text)::text as shape,
               array(select a.attname::text from pg_catalog.unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) with ordinality u (attnum, place)
                       join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.attnum order by u.place) as columns
          from indexes x
          join pg_catalog.pg_index i on i.indexrelid = x.indexrelid
          join pg_catalog.pg_class c on c.oid = x.indexrelid
         where x.root in (select f.root from indexes f where not f.attached)
      ),
      many as (
        select l.root, pg_catalog.count(*) as leaves from leaves l group by l.root
      ),
      shapes as materialized (
        select o.root, o.shape, o.columns, pg_catalog.count(distinct o.oid) as partitions_with, pg_catalog.max(o.indexrelid) as sample
          from own o
         group by o.root, o.shape, o.columns
        having not pg_catalog.bool_and(o.attached)
      )
      select s.root as parent, pg_catalog.to_json(s.columns) as columns, s.partitions_with, m.leaves - s.partitions_with as partitions_without,
             pg_catalog.to_json(array(
               select pg_catalog.quote_ident(l.nspname) || '.' || pg_catalog.quote_ident(l.relname)
                 from leaves l
                where l.root = s.root and not exists (select from own o where o.oid = l.oid and o.shape = s.shape and o.columns = s.columns)
                order by l.oid desc
                limit 5)) as first_without,
             n.nspname as index_schema, x.relname as index
        from shapes s
        join many m on m.root = s.root
        join pg_catalog.pg_class x on x.oid = s.sample
        join pg_catalog.pg_namespace n on n.oid = x.relnamespace
       -- most have it: the others were forgotten
       where s.partitions_with < m.leaves and s.partitions_with > m.leaves - s.partitions_with
       order by s.root, s.columns`,
  }),
});
