import { z } from 'zod';
import {
  byServerVersion,
  defineDiagnostic,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  matchesName,
  nameInput,
  partitionMembers,
  percentOf,
  schemaInput,
  sql,
  type Sql,
} from '../kit/index.ts';
import { aboutCounters, counters } from './index-row.ts';
import { notCounted } from './judge-indexes.ts';

const NEEDS = [
  'primary_key',
  'unique_constraint',
  'exclusion_constraint',
  'uniqueness',
  'foreign_keys',
  'replica_identity',
  'cluster',
  'statistics',
] as const;

const count = z.int().min(0);

export default defineDiagnostic({
  name: 'index_usage',
  area: 'indexes',
  title: 'Index usage',
  description: 'How often indexes are scanned, and what each is needed for.',
  alsoKnownAs: { get_index_usage_stats: { database_name: 'database' } },
  judges: false,
  input: {
    schema: schemaInput,
    name: nameInput,
    order_by: z.enum(['scans', 'unused', 'size', 'name']).default('scans'),
  },
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    index: z.string().meta({ names: 'index' }),
    size: count.meta({ unit: 'bytes' }),
    idx_scan: count,
    last_idx_scan: z.iso.datetime().nullable().describe('PostgreSQL 16 on; null also when it was never scanned.'),
    idx_tup_read: count.describe('Entries that scans of it returned.'),
    idx_tup_fetch: count.describe('Live rows of the table that plain scans of it fetched.'),
    table_scans_percent: z
      .number()
      .nullable()
      .meta({ unit: 'percent' })
      .describe('Share of all scans of its table, sequential ones too.'),
    needed_for: z
      .array(z.enum(NEEDS))
      .describe('What would be lost with it, whether or not it is scanned: statistics are those on its expressions.'),
    valid: z.boolean().describe('Queries may use it.'),
    partitions: count.nullable().describe('Indexes of partitions that are counted in; null when the table has none.'),
    size_estimated: z.boolean(),
  },
  about: aboutCounters,
  counted: true,
  sql: ({ schema, name, order_by, limit, estimate_sizes }) => {
    const usage = (lastScan: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      listed as materialized (
        select i.indexrelid, i.indrelid, n.nspname, t.relname, c.relname as index, c.relkind, i.indisunique, i.indisreplident, i.indisclustered, i.indisvalid,
               i.indexprs is not null as has_expressions
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid
          join pg_catalog.pg_class t on t.oid = i.indrelid
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
         where c.relkind in ('i', 'I') and not c.relispartition and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and (${schema}::text is null or n.nspname = ${schema}::text)
           and (${matchesName(sql`t.relname`, name)} or ${matchesName(sql`c.relname`, name)})
      ),
      roots as (
        select l.indexrelid as oid from listed l
      ),
      ${partitionMembers},
      parts as materialized (
        select m.root, c.oid, c.relpages, i.indrelid, pg_catalog.pg_stat_get_numscans(c.oid) as scans
          from members m
          join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'i'
          join pg_catalog.pg_index i on i.indexrelid = c.oid
      ),
      page as materialized (
        select l.*, coalesce(s.scans, 0) as scans, coalesce(s.parts, 0) as parts, pg_catalog.count(*) over () as total_rows,
               pg_catalog.row_number() over (order by case ${order_by}::text when 'scans' then coalesce(s.scans, 0) when 'unused' then -coalesce(s.scans, 0) end desc nulls last,
                                                      case when ${order_by}::text <> 'name' then coalesce(s.pages, 0) end desc nulls last, l.nspname, l.relname, l.index) as place
          from listed l
          left join (select p.root, pg_catalog.sum(p.scans)::bigint as scans, pg_catalog.sum(p.relpages) as pages, pg_catalog.count(*) as parts
                       from parts p group by p.root) s on s.root = l.indexrelid
         order by place
         limit ${limit}
      ),
      counted as (
        select p.root, pg_catalog.max(${lastScan}) as last_scan, pg_catalog.sum(pg_catalog.pg_stat_get_tuples_returned(p.oid))::bigint as read,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_fetched(p.oid))::bigint as fetched, pg_catalog.bool_or(e.estimated) as estimated,
               pg_catalog.sum(case when e.estimated then ${estimatedSize(sql`p.relpages`)} else pg_catalog.pg_relation_size(p.oid) end)::bigint as size,
               pg_catalog.sum(pg_catalog.pg_stat_get_numscans(p.indrelid)
                              + (select pg_catalog.sum(pg_catalog.pg_stat_get_numscans(o.indexrelid)) from pg_catalog.pg_index o where o.indrelid = p.indrelid)) as table_scans
          from parts p
         cross join lateral (
           select ${estimate_sizes}::boolean or exists (select from locked l where l.oid in (p.oid, p.indrelid)) as estimated
         ) e
         where p.root in (select g.indexrelid from page g)
         group by p.root
      )
      select g.nspname as schema, g.relname as table, g.index, coalesce(c.size, 0) as size, g.scans as idx_scan, c.last_scan as last_idx_scan,
             coalesce(c.read, 0) as idx_tup_read, coalesce(c.fetched, 0) as idx_tup_fetch, ${percentOf(sql`g.scans`, sql`c.table_scans`)} as table_scans_percent,
             pg_catalog.to_json(pg_catalog.array_remove(array[
               case k.contype when 'p' then 'primary_key' when 'u' then 'unique_constraint' when 'x' then 'exclusion_constraint'
                              else case when g.indisunique then 'uniqueness' end end,
               case when exists (select from pg_catalog.pg_constraint f where f.conindid = g.indexrelid and f.contype = 'f') then 'foreign_keys' end,
               case when g.indisreplident then 'replica_identity' end, case when g.indisclustered then 'cluster' end,
               case when g.has_expressions then 'statistics' end], null)) as needed_for,
             g.indisvalid as valid,
             case when g.relkind = 'I' then g.parts end as partitions, coalesce(c.estimated, false) as size_estimated,
             w.counted_since, w.counted_s, w.track_counts, w.standbys, g.total_rows
        from page g
        left join counted c on c.root = g.indexrelid
        left join pg_catalog.pg_constraint k on k.conindid = g.indexrelid and k.contype in ('p', 'u', 'x')
       cross join (${counters}) w
       order by g.place`;
    return byServerVersion({
      12: usage(sql`null::timestamp with time zone`),
      16: usage(sql`pg_catalog.pg_stat_get_lastscan(p.oid)`),
    });
  },
  notExamined: (_, { about, facts }) => notCounted(about, facts.inRecovery),
});
