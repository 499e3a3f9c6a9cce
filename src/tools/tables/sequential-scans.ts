import {
  aboutCounting,
  byServerVersion,
  counting,
  defineDiagnostic,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  matchesName,
  nameInput,
  notCounting,
  partitionMembers,
  percentOf,
  perSecond,
  schemaInput,
  sql,
  type Sql,
} from '../kit/index.ts';
import { z } from 'zod';
import { judgeSequentialScans, scansElsewhere } from './judge-sequential-scans.ts';
import { aboutScans, scanRow } from './scan-row.ts';

const MEBIBYTE = 1_048_576;

export default defineDiagnostic({
  name: 'sequential_scans',
  area: 'tables',
  title: 'Sequential scans',
  description: 'Tables that are read from end to end, how often and how much.',
  input: { schema: schemaInput, name: nameInput },
  thresholds: {
    min_size: z
      .int()
      .min(0)
      .default(100 * MEBIBYTE)
      .describe('Findings leave out smaller tables, in bytes.'),
    min_scans_per_day: z.number().min(0).default(24).describe('Findings leave out what is read less often.'),
    min_rows: z.int().min(0).default(10_000).describe('Findings leave out scans that read fewer rows on average.'),
  },
  row: scanRow,
  about: { ...aboutCounting, ...aboutScans },
  counted: true,
  sql: ({ schema, name, limit, estimate_sizes }) => {
    const scans = (lastScan: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      listed as materialized (
        select c.oid, n.nspname, c.relname, c.relkind
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't' and not c.relispartition
           and ${isUserSchema(sql`n.nspname`)}
           and (${schema}::text is null or n.nspname = ${schema}::text)
           and ${matchesName(sql`c.relname`, name)}
      ),
      roots as (
        select l.oid from listed l
      ),
      ${partitionMembers},
      tables as materialized (
        select m.root, c.oid, c.relpages, c.reltuples, pg_catalog.pg_stat_get_numscans(c.oid) as scans, pg_catalog.pg_stat_get_tuples_returned(c.oid) as read
          from members m
          join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm')
      ),
      page as materialized (
        select l.oid, l.nspname, l.relname, l.relkind, s.*, pg_catalog.count(*) over () as total_rows
          from (select t.root, pg_catalog.sum(t.scans)::bigint as scans, pg_catalog.sum(t.read)::bigint as read from tables t group by t.root) s
          join listed l on l.oid = s.root
         where s.scans > 0
         order by s.read desc, s.scans desc, l.nspname, l.relname
         limit ${limit}
      ),
      members_of_page as materialized (
        select t.*, ${estimate_sizes}::boolean or exists (select from locked l where l.oid = t.oid) as estimated
          from tables t
         where t.root in (select p.oid from page p)
      ),
      sized as (
        select m.root, pg_catalog.bool_or(m.estimated) as estimated, pg_catalog.max(${lastScan}) as last_scan, pg_catalog.count(*) as members,
               pg_catalog.sum(case when m.estimated then ${estimatedSize(sql`m.relpages`)} else pg_catalog.pg_relation_size(m.oid) end)::bigint as size,
               -- before the first VACUUM or ANALYZE reltuples is -1 (14 on) or 0 with no pages
               case when pg_catalog.bool_and(m.reltuples > 0 or (m.reltuples = 0 and m.relpages > 0))
                    then pg_catalog.round(pg_catalog.sum(greatest(m.reltuples, 0))::numeric)::bigint end as rows
          from members_of_page m
         group by m.root
      ),
      indexed as (
        select m.root, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))::bigint as scans
          from members_of_page m
          join pg_catalog.pg_index i on i.indrelid = m.oid
         group by m.root
      )
      select p.nspname as schema, p.relname as table, coalesce(s.size, 0) as size, s.estimated as size_estimated, s.rows, p.scans as seq_scan, s.last_scan as last_seq_scan,
             p.read as seq_tup_read, pg_catalog.round(p.read::numeric / p.scans)::bigint as rows_per_scan,
             pg_catalog.round(p.scans * 86400::numeric / nullif(w.counted_s, 0), 1) as scans_per_day,
             pg_catalog.round(${perSecond(sql`p.read::numeric * s.size / nullif(s.rows, 0)`, sql`w.counted_s`)})::bigint as read_size_per_s,
             i.scans as idx_scan, ${percentOf(sql`p.scans`, sql`(p.scans + coalesce(i.scans, 0))`)} as seq_percent,
             case when p.relkind = 'p' then s.members end as partitions,
             w.counted_since, w.counted_s, w.track_counts,
             (select pg_catalog.quote_ident(n.nspname) || '.pg_stat_statements'
                from pg_catalog.pg_extension e
                join pg_catalog.pg_namespace n on n.oid = e.extnamespace
               where e.extname = 'pg_stat_statements') as statements_view,
             p.total_rows
        from page p
        join sized s on s.root = p.oid
        left join indexed i on i.root = p.oid
       cross join (${counting}) w
       order by p.read desc, p.scans desc, p.nspname, p.relname`;
    return byServerVersion({
      12: scans(sql`null::timestamp with time zone`),
      16: scans(sql`pg_catalog.pg_stat_get_lastscan(m.oid)`),
    });
  },
  findings: judgeSequentialScans,
  notExamined: (rows, { about, facts }) => [...notCounting(about), ...scansElsewhere(rows, facts.inRecovery)],
});
