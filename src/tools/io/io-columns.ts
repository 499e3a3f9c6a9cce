import { percentOf, secondsSince, sql, type Sql } from '../kit/index.ts';

/** Of `i`, with columns as pg_stat_io has them: bytes in the way of each version. */
export interface IoBytes {
  readonly read: Sql;
  readonly write: Sql;
  readonly extend: Sql;
}

/** Until 17 a read is of one block; from 18 on one may be of many, so that blocks come from bytes. */
export const BYTES: Readonly<Record<16 | 18, IoBytes>> = {
  16: { read: sql`i.reads * i.op_bytes`, write: sql`i.writes * i.op_bytes`, extend: sql`i.extends * i.op_bytes` },
  18: { read: sql`i.read_bytes`, write: sql`i.write_bytes`, extend: sql`i.extend_bytes` },
};

export const blockSize = sql`pg_catalog.current_setting('block_size')::bigint`;

/** Null where nothing measured it, which is not 0. */
export function measuredMs(time: Sql, isTimed: Sql): Sql {
  return sql`case when ${isTimed} or ${time} > 0 then pg_catalog.round((${time})::numeric, 3) end`;
}

/** Of `i`: whether the time of such I/O is measured now. */
export const isTimed = sql`case i.object when 'wal' then pg_catalog.current_setting('track_wal_io_timing')::boolean else pg_catalog.current_setting('track_io_timing')::boolean end`;

/** PostgreSQL 16 and later. */
export function statistics({ read, write, extend }: IoBytes): Sql {
  return sql`
      with io as (
        select i.*, ${read} as read_size, ${write} as write_size, ${extend} as extend_size, ${isTimed} as timed
          from pg_catalog.pg_stat_io i
      )
      select i.backend_type, i.object, i.context,
             i.reads, i.read_size, ${measuredMs(sql`i.read_time`, sql`i.timed`)} as read_ms,
             i.hits, ${percentOf(sql`i.hits`, sql`(i.hits + i.read_size / ${blockSize})`)} as hit_percent,
             i.writes, i.write_size, ${measuredMs(sql`i.write_time`, sql`i.timed`)} as write_ms,
             i.extends, i.extend_size, ${measuredMs(sql`i.extend_time`, sql`i.timed`)} as extend_ms,
             i.fsyncs, ${measuredMs(sql`i.fsync_time`, sql`i.timed`)} as fsync_ms,
             i.evictions, i.reuses, null::text as source
        from io i
       where coalesce(i.reads, 0) + coalesce(i.writes, 0) + coalesce(i.extends, 0) + coalesce(i.hits, 0) + coalesce(i.fsyncs, 0) > 0
       order by coalesce(i.read_time, 0) + coalesce(i.write_time, 0) + coalesce(i.extend_time, 0) + coalesce(i.fsync_time, 0) desc,
                coalesce(i.read_size, 0) + coalesce(i.write_size, 0) + coalesce(i.extend_size, 0) desc,
                i.backend_type, i.object, i.context`;
}

/** What PostgreSQL 12 to 15 count: blocks by who wrote them, and what sessions read, in all databases. */
export const sums = sql`
      with databases as (
        select pg_catalog.sum(d.blks_read) as reads, pg_catalog.sum(d.blks_hit) as hits, pg_catalog.sum(d.blk_read_time) as read_time,
               pg_catalog.sum(d.blk_write_time) as write_time
          from pg_catalog.pg_stat_database d
      ),
      written as (
        select w.backend_type, w.writes, w.fsyncs
          from pg_catalog.pg_stat_bgwriter b
         cross join lateral (values ('checkpointer', b.buffers_checkpoint, null::bigint),
                                    ('background writer', b.buffers_clean, null::bigint),
                                    ('backends', b.buffers_backend, b.buffers_backend_fsync)) w (backend_type, writes, fsyncs)
      ),
      io as (
        select 'backends' as backend_type, d.reads, d.hits, d.read_time, null::bigint as writes, d.write_time, null::bigint as fsyncs,
               'pg_stat_database' as source
          from databases d
        union all
        select w.backend_type, null, null, null, w.writes, null, w.fsyncs, 'pg_stat_bgwriter' from written w
      )
      select i.backend_type, 'relation' as object, 'all' as context,
             i.reads, i.reads * ${blockSize} as read_size, ${measuredMs(sql`i.read_time`, sql`o.track_io_timing`)} as read_ms,
             i.hits, ${percentOf(sql`i.hits`, sql`(i.hits + i.reads)`)} as hit_percent,
             i.writes, i.writes * ${blockSize} as write_size, ${measuredMs(sql`i.write_time`, sql`o.track_io_timing`)} as write_ms,
             null::bigint as extends, null::bigint as extend_size, null::double precision as extend_ms,
             i.fsyncs, null::double precision as fsync_ms, null::bigint as evictions, null::bigint as reuses, i.source
        from io i
       cross join (select pg_catalog.current_setting('track_io_timing')::boolean as track_io_timing) o
       order by i.source desc, i.writes desc nulls last, i.backend_type`;

interface Counting {
  readonly since: Sql;
  readonly databasesSince: Sql;
  readonly walTiming: Sql;
}

/** One row, also where nothing is counted yet. */
export function counting({ since, databasesSince, walTiming }: Counting): Sql {
  return sql`
      select c.counted_since, pg_catalog.round(${secondsSince(sql`c.counted_since`)}) as counted_s, ${databasesSince} as databases_counted_since,
             pg_catalog.current_setting('bgwriter_lru_maxpages')::integer as bgwriter_lru_maxpages,
             pg_catalog.current_setting('track_io_timing')::boolean as track_io_timing, ${walTiming} as track_wal_io_timing
        from (select ${since} as counted_since) c`;
}
