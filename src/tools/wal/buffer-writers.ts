import { z } from 'zod';
import { byServerVersion, definePart, percentOf, sql, type RowOf, type Sql } from '../kit/index.ts';

const count = z.int().min(0).nullable();

/** Backends that pass through all of a large table write in rings of few buffers, which spares those of others. */
const ofIo = (written: Sql, extended: Sql) => sql`
      select w.writer, w.buffers, ${percentOf(sql`w.buffers`, sql`pg_catalog.sum(w.buffers) over ()`)} as percent, w.extended, w.fsyncs, w.counted_since
        from (
          select case i.backend_type when 'checkpointer' then 'checkpointer' when 'background writer' then 'background writer' when 'startup' then 'startup'
                                     else case i.context when 'normal' then 'backends' else 'backends in bulk' end end as writer,
                 pg_catalog.sum(${written})::bigint as buffers, pg_catalog.sum(${extended})::bigint as extended,
                 pg_catalog.sum(i.fsyncs)::bigint as fsyncs, pg_catalog.max(i.stats_reset) as counted_since
            from pg_catalog.pg_stat_io i
           where i.object = 'relation' and i.context <> 'init' and i.backend_type <> 'standalone backend'
           group by 1
        ) w
       order by w.buffers desc nulls last, w.writer`;

const blocks = (bytes: Sql) => sql`(${bytes} / pg_catalog.current_setting('block_size')::bigint)`;

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW */
export const bufferWriters = definePart({
  what: 'who writes buffers',
  row: {
    writer: z
      .enum(['checkpointer', 'background writer', 'startup', 'backends', 'backends in bulk'])
      .describe('startup is the process that recovers and replays.'),
    buffers: count.describe('Before PostgreSQL 16, those of backends are also new ones at the end of files.'),
    percent: z.number().nullable().meta({ unit: 'percent' }),
    extended: count.describe('New blocks at the end of files. PostgreSQL 16 on.'),
    fsyncs: count.describe('Of backends, those that the checkpointer had no room for.'),
    counted_since: z.iso.datetime().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select w.writer, w.buffers, ${percentOf(sql`w.buffers`, sql`pg_catalog.sum(w.buffers) over ()`)} as percent, null::bigint as extended, w.fsyncs,
             b.stats_reset as counted_since
        from pg_catalog.pg_stat_bgwriter b
       cross join lateral (values ('checkpointer', b.buffers_checkpoint, null::bigint), ('background writer', b.buffers_clean, null),
                                  ('backends', b.buffers_backend, b.buffers_backend_fsync)) w (writer, buffers, fsyncs)
       order by w.buffers desc, w.writer`,
    16: ofIo(blocks(sql`i.writes * i.op_bytes`), blocks(sql`i.extends * i.op_bytes`)),
    18: ofIo(blocks(sql`i.write_bytes`), blocks(sql`i.extend_bytes`)),
  }),
});
export type BufferWriter = RowOf<typeof bufferWriters>;
