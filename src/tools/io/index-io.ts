import { z } from 'zod';
import {
  byServerVersion,
  countedSince,
  defineDiagnostic,
  nameInput,
  partitionMembers,
  percentOf,
  schemaInput,
  sql,
} from '../kit/index.ts';
import { blockSize } from './io-columns.ts';
import { blocksHit, blocksRead, isWanted } from './relation-blocks.ts';

const count = z.int().min(0);
const percent = z.number().nullable().meta({ unit: 'percent' });

export default defineDiagnostic({
  name: 'index_io',
  area: 'io',
  title: 'I/O by index',
  description: 'Blocks of indexes read and found in shared buffers, and scans; most read first.',
  alsoKnownAs: { get_index_io_stats: { database_name: 'database', schema_name: 'schema' } },
  input: {
    schema: schemaInput,
    name: nameInput,
    partitions: z.boolean().default(false).describe('List each partition of an index, and not the whole.'),
  },
  seldom: ['partitions'],
  judges: false,
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    index: z.string().meta({ names: 'index' }),
    partitions: z.int().nullable().describe('That are counted in; null when it has none.'),
    read_size: z.int().meta({ unit: 'bytes' }).describe('From disk or the cache of the operating system.'),
    read_percent: percent.describe('Share of what all that match read.'),
    idx_blks_read: count,
    idx_blks_hit: count,
    hit_percent: percent,
    idx_scan: count,
    blocks_per_scan: z.number().nullable().describe('Read or hit, by queries and by writes.'),
  },
  about: {
    counted_since: z.iso.datetime().nullable(),
    counted_s: z.int().nullable().meta({ unit: 's' }),
    all_read_size: z.number().nullable().meta({ unit: 'bytes' }).describe('Of all that match, beyond the limit too.'),
  },
  counted: true,
  sql: ({ limit }) =>
    byServerVersion({
      12: sql`
        with recursive roots as materialized (
          select c.oid, n.nspname, t.relname as table, c.relname, c.relkind
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
            join pg_catalog.pg_class t on t.oid = i.indrelid and t.relkind in ('r', 'm', 'p')
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
           where c.relkind in ('i', 'I') and ${isWanted(sql`'I'`, sql`c.relname`)}
        ),
        ${partitionMembers},
        counted as (
          select m.root, pg_catalog.count(*) filter (where m.oid <> m.root) as partitions,
                 pg_catalog.sum(${blocksRead(sql`c.oid`)})::bigint as blocks_read, pg_catalog.sum(${blocksHit(sql`c.oid`)})::bigint as blocks_hit,
                 pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid))::bigint as scans
            from members m
            join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'i'
           group by m.root
        ),
        summed as (
          select r.*, c.partitions, coalesce(c.blocks_read, 0) as blocks_read, coalesce(c.blocks_hit, 0) as blocks_hit, coalesce(c.scans, 0) as scans
            from roots r
            left join counted c on c.root = r.oid
        )
        select s.nspname as schema, s.table, s.relname as index, case when s.relkind = 'I' then coalesce(s.partitions, 0) end as partitions,
               s.blocks_read * ${blockSize} as read_size,
               ${percentOf(sql`s.blocks_read`, sql`pg_catalog.sum(s.blocks_read) over ()`)} as read_percent,
               s.blocks_read as idx_blks_read, s.blocks_hit as idx_blks_hit,
               ${percentOf(sql`s.blocks_hit`, sql`(s.blocks_hit + s.blocks_read)`)} as hit_percent, s.scans as idx_scan,
               pg_catalog.round((s.blocks_read + s.blocks_hit)::numeric / nullif(s.scans, 0), 1) as blocks_per_scan,
               b.counted_since, b.counted_s, pg_catalog.sum(s.blocks_read) over () * ${blockSize} as all_read_size,
               pg_catalog.count(*) over () as total_rows
          from summed s
         cross join ${countedSince} b
         order by s.blocks_read desc, s.blocks_hit desc, s.nspname, s.relname
         limit ${limit}`,
    }),
});
