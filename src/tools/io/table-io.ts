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

const blocks = z.int().nullable();
const percent = z.number().nullable().meta({ unit: 'percent' });

export default defineDiagnostic({
  name: 'table_io',
  area: 'io',
  title: 'I/O by table',
  description: 'Blocks read and found in shared buffers by table, its indexes and TOAST; most read first.',
  alsoKnownAs: { get_table_io_stats: { database_name: 'database', schema_name: 'schema' } },
  input: {
    schema: schemaInput,
    name: nameInput,
    partitions: z.boolean().default(false).describe('List each partition, and not its parent.'),
  },
  seldom: ['partitions'],
  judges: false,
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    partitions: z.int().nullable().describe('That are counted in; null when it has none.'),
    read_size: z.int().meta({ unit: 'bytes' }).describe('From disk or the cache of the operating system.'),
    read_percent: percent.describe('Share of what all that match read.'),
    hit_percent: percent,
    heap_blks_read: blocks,
    heap_blks_hit: blocks,
    heap_hit_percent: percent,
    idx_blks_read: blocks.describe('Null without an index.'),
    idx_blks_hit: blocks,
    idx_hit_percent: percent,
    toast_blks_read: blocks.describe('Null without TOAST.'),
    toast_blks_hit: blocks,
    toast_hit_percent: percent,
    tidx_blks_read: blocks,
    tidx_blks_hit: blocks,
    tidx_hit_percent: percent,
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
          select c.oid, n.nspname, c.relname, c.relkind
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'm', 'p') and ${isWanted(sql`'p'`, sql`c.relname`)}
        ),
        ${partitionMembers},
        indexed as materialized (
          select i.indrelid, pg_catalog.sum(${blocksRead(sql`i.indexrelid`)})::bigint as read, pg_catalog.sum(${blocksHit(sql`i.indexrelid`)})::bigint as hit
            from pg_catalog.pg_index i
           group by i.indrelid
        ),
        counted as (
          select m.root, pg_catalog.count(*) filter (where m.oid <> m.root) as partitions,
                 pg_catalog.sum(${blocksRead(sql`c.oid`)})::bigint as heap_read, pg_catalog.sum(${blocksHit(sql`c.oid`)})::bigint as heap_hit,
                 pg_catalog.sum(x.read)::bigint as idx_read, pg_catalog.sum(x.hit)::bigint as idx_hit,
                 (pg_catalog.sum(${blocksRead(sql`c.reltoastrelid`)}) filter (where c.reltoastrelid <> 0))::bigint as toast_read,
                 (pg_catalog.sum(${blocksHit(sql`c.reltoastrelid`)}) filter (where c.reltoastrelid <> 0))::bigint as toast_hit,
                 pg_catalog.sum(t.read)::bigint as tidx_read, pg_catalog.sum(t.hit)::bigint as tidx_hit
            from members m
            join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm')
            left join indexed x on x.indrelid = c.oid
            left join indexed t on t.indrelid = c.reltoastrelid and c.reltoastrelid <> 0
           group by m.root
        ),
        summed as (
          select r.*, c.*, coalesce(c.heap_read, 0) + coalesce(c.idx_read, 0) + coalesce(c.toast_read, 0) + coalesce(c.tidx_read, 0) as blocks_read,
                 coalesce(c.heap_hit, 0) + coalesce(c.idx_hit, 0) + coalesce(c.toast_hit, 0) + coalesce(c.tidx_hit, 0) as blocks_hit
            from roots r
            left join counted c on c.root = r.oid
        )
        select s.nspname as schema, s.relname as table, case when s.relkind = 'p' then coalesce(s.partitions, 0) end as partitions,
               s.blocks_read * ${blockSize} as read_size,
               ${percentOf(sql`s.blocks_read`, sql`pg_catalog.sum(s.blocks_read) over ()`)} as read_percent,
               ${percentOf(sql`s.blocks_hit`, sql`(s.blocks_hit + s.blocks_read)`)} as hit_percent,
               s.heap_read as heap_blks_read, s.heap_hit as heap_blks_hit, ${percentOf(sql`s.heap_hit`, sql`(s.heap_hit + s.heap_read)`)} as heap_hit_percent,
               s.idx_read as idx_blks_read, s.idx_hit as idx_blks_hit, ${percentOf(sql`s.idx_hit`, sql`(s.idx_hit + s.idx_read)`)} as idx_hit_percent,
               s.toast_read as toast_blks_read, s.toast_hit as toast_blks_hit, ${percentOf(sql`s.toast_hit`, sql`(s.toast_hit + s.toast_read)`)} as toast_hit_percent,
               s.tidx_read as tidx_blks_read, s.tidx_hit as tidx_blks_hit, ${percentOf(sql`s.tidx_hit`, sql`(s.tidx_hit + s.tidx_read)`)} as tidx_hit_percent,
               b.counted_since, b.counted_s, pg_catalog.sum(s.blocks_read) over () * ${blockSize} as all_read_size,
               pg_catalog.count(*) over () as total_rows
          from summed s
         cross join ${countedSince} b
         order by s.blocks_read desc, s.blocks_hit desc, s.nspname, s.relname
         limit ${limit}`,
    }),
});
