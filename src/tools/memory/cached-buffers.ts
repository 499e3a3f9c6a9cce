import { z } from 'zod';
import {
  byExtensionVersion,
  definePart,
  extensionSchema,
  matchesName,
  param,
  percentOf,
  sql,
  type Sql,
} from '../kit/index.ts';

const EXTENSION = 'pg_buffercache';
/** From this version on there are functions that only count: https://www.postgresql.org/docs/current/pgbuffercache.html */
const COUNTS = '1.4';

const count = z.int().min(0);
const bytes = z.int().min(0).meta({ unit: 'bytes' });
const percent = z.number().nullable().meta({ unit: 'percent' });

const VIEW = sql`${extensionSchema(EXTENSION)}.pg_buffercache`;
const BLOCK_SIZE = sql`pg_catalog.current_setting('block_size')::bigint`;

const summaryOf = (source: Sql) => sql`
      select c.used + c.unused as buffers, (c.used + c.unused) * ${BLOCK_SIZE} as size, c.used, c.unused, c.dirty, c.pinned,
             ${percentOf(sql`c.used`, sql`(c.used + c.unused)`)} as used_percent, ${percentOf(sql`c.dirty`, sql`c.used`)} as dirty_percent,
             pg_catalog.round(c.usage_avg::numeric, 2) as usage_avg
        from (${source}) c`;

const countedOne = (pinned: Sql) => sql`
          select pg_catalog.count(b.relfilenode) as used, pg_catalog.count(*) - pg_catalog.count(b.relfilenode) as unused,
                 pg_catalog.count(*) filter (where b.isdirty) as dirty, ${pinned} as pinned, pg_catalog.avg(b.usagecount) as usage_avg
            from ${VIEW} b`;

export const cacheSummary = definePart({
  what: 'how full the buffer cache is',
  needs: 'pg_monitor',
  row: {
    buffers: count,
    size: bytes,
    used: count,
    unused: count,
    dirty: count,
    pinned: count.nullable(),
    used_percent: percent,
    dirty_percent: percent.describe('Of those in use.'),
    usage_avg: z.number().nullable().describe('Usage count of those in use, from 0 to 5.'),
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.0': summaryOf(countedOne(sql`null::bigint`)),
    '1.1': summaryOf(countedOne(sql`pg_catalog.count(*) filter (where b.pinning_backends > 0)`)),
    [COUNTS]: summaryOf(sql`
          select s.buffers_used as used, s.buffers_unused as unused, s.buffers_dirty as dirty, s.buffers_pinned as pinned,
                 nullif(s.usagecount_avg, 'NaN') as usage_avg
            from ${extensionSchema(EXTENSION)}.pg_buffercache_summary() s`),
  }),
});

export const usageCounts = definePart({
  what: 'buffers by usage count',
  needs: 'pg_monitor',
  row: {
    usage_count: z.int().min(0).describe('0 also of those that are not in use.'),
    buffers: count,
    dirty: count,
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.0': sql`
      select coalesce(b.usagecount, 0) as usage_count, pg_catalog.count(*) as buffers, pg_catalog.count(*) filter (where b.isdirty) as dirty
        from ${VIEW} b
       group by 1
       order by 1`,
    [COUNTS]: sql`
      select u.usage_count, u.buffers, u.dirty
        from ${extensionSchema(EXTENSION)}.pg_buffercache_usage_counts() u
       where u.buffers > 0
       order by u.usage_count`,
  }),
});

/** A file is known by its database, tablespace and number; the first two of shared catalogs are none and pg_global. */
const files = sql`files as materialized (
        select b.reldatabase, b.reltablespace, b.relfilenode, pg_catalog.count(*) as buffers,
               pg_catalog.count(*) filter (where b.isdirty) as dirty, pg_catalog.sum(b.usagecount) as usage
          from ${VIEW} b
         where b.relfilenode is not null
         group by 1, 2, 3
      ),
      here as (
        select d.oid, d.dattablespace from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
      )`;

/** Catalogs that pg_class cannot say the file of have none there. */
const FILENODE = sql`case when c.relfilenode = 0 then pg_catalog.pg_relation_filenode(c.oid) else c.relfilenode end`;

export const cachedRelations = definePart({
  what: 'buffers by relation',
  needs: 'pg_monitor',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    relation: z.string().meta({ names: 'table' }),
    kind: z.enum(['table', 'index', 'toast', 'materialized view', 'sequence']),
    table: z.string().nullable().meta({ names: 'table' }).describe('Whose index or TOAST table it is.'),
    size: bytes.describe('In the cache.'),
    cache_percent: percent.describe('Of the cache.'),
    cached_percent: percent.describe('Of the relation, by what the last VACUUM or ANALYZE counted.'),
    dirty_percent: percent,
    usage_avg: z.number().nullable(),
    total_rows: z.int(),
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.0': sql`
      with ${files},
      cached as (
        select c.oid, c.relname, c.relkind, c.relpages, c.relnamespace, f.buffers, f.dirty, f.usage
          from here h
         cross join files f
          join pg_catalog.pg_class c
            on ${FILENODE} = f.relfilenode and coalesce(nullif(c.reltablespace, 0), h.dattablespace) = f.reltablespace
           and f.reldatabase = case when c.relisshared then 0 else h.oid end
         where c.relkind in ('r', 'i', 't', 'm', 'S')
      )
      select n.nspname as schema, c.relname as relation,
             case c.relkind when 'r' then 'table' when 'i' then 'index' when 't' then 'toast' when 'm' then 'materialized view' else 'sequence' end as kind,
             coalesce(t.relname, o.relname) as table, c.buffers * ${BLOCK_SIZE} as size,
             ${percentOf(sql`(c.buffers * ${BLOCK_SIZE})`, sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers'))`)} as cache_percent,
             least(100, ${percentOf(sql`c.buffers`, sql`c.relpages`)}) as cached_percent, ${percentOf(sql`c.dirty`, sql`c.buffers`)} as dirty_percent,
             pg_catalog.round(c.usage::numeric / c.buffers, 2) as usage_avg, pg_catalog.count(*) over () as total_rows
        from cached c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join pg_catalog.pg_index i on i.indexrelid = c.oid
        left join pg_catalog.pg_class t on t.oid = i.indrelid
        left join pg_catalog.pg_class o on o.reltoastrelid = c.oid and c.relkind = 't'
       where (${param('schema')}::text is null or n.nspname = ${param('schema')}::text) and ${matchesName(sql`c.relname`, param('name'))}
       order by c.buffers desc, 1, 2
       limit ${param('limit')}`,
  }),
});

export const cachedDatabases = definePart({
  what: 'buffers by database',
  needs: 'pg_monitor',
  row: {
    database: z.string().nullable().meta({ names: 'database' }).describe('Null for catalogs that all of them share.'),
    size: bytes,
    cache_percent: percent,
    dirty_percent: percent,
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.0': sql`
      with ${files}
      select d.datname as database, (pg_catalog.sum(f.buffers) * ${BLOCK_SIZE})::bigint as size,
             ${percentOf(sql`(pg_catalog.sum(f.buffers) * ${BLOCK_SIZE})`, sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers'))`)} as cache_percent,
             ${percentOf(sql`pg_catalog.sum(f.dirty)`, sql`pg_catalog.sum(f.buffers)`)} as dirty_percent
        from files f
        left join pg_catalog.pg_database d on d.oid = f.reldatabase
       where f.reldatabase = 0 or d.oid is not null
       group by d.datname
       order by size desc, 1`,
  }),
});
