import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf, type Sql } from '../kit/index.ts';
import { isOfServer } from '../server/setting-source.ts';

const count = z.int().min(0);
const ms = z.number().nullable().meta({ unit: 'ms' });

interface Writes {
  /** A row (writes, syncs, write_ms, sync_ms, since) as `o`. */
  readonly from: Sql;
}

const countersWith = ({ from }: Writes) => sql`
      select s.wal_records, s.wal_fpi, s.wal_bytes, s.wal_buffers_full, o.writes as wal_write, o.syncs as wal_sync,
             case when t.timed or o.write_ms > 0 then pg_catalog.round(o.write_ms::numeric, 3) end as wal_write_ms,
             case when t.timed or o.sync_ms > 0 then pg_catalog.round(o.sync_ms::numeric, 3) end as wal_sync_ms,
             s.stats_reset as counted_since, ${secondsSince(sql`s.stats_reset`)} as counted_s, o.since as writes_counted_since,
             extract(epoch from pg_catalog.clock_timestamp()) as at_s
        from pg_catalog.pg_stat_wal s
       cross join (select pg_catalog.current_setting('track_wal_io_timing')::boolean as timed) t
       cross join ${from}`;

/** Cumulative; of WAL that this server makes, which a standby does not. */
export const walCounters = definePart({
  what: 'statistics of WAL',
  row: {
    wal_records: count,
    wal_fpi: count.describe('Full page images: whole pages, written at their first change after a checkpoint.'),
    wal_bytes: count.meta({ unit: 'bytes' }),
    wal_buffers_full: count.describe('Times that somebody had to write WAL since wal_buffers was full.'),
    wal_write: count.nullable(),
    wal_sync: count.nullable(),
    wal_write_ms: ms.describe('Null while track_wal_io_timing is off.'),
    wal_sync_ms: ms,
    counted_since: z.iso.datetime().nullable(),
    counted_s: z.number().nullable().meta({ unit: 's' }),
    writes_counted_since: z.iso
      .datetime()
      .nullable()
      .describe('Of writes and syncs, which PostgreSQL 18 counts in pg_stat_io.'),
    at_s: z.number(),
  },
  sql: byServerVersion({
    14: countersWith({
      from: sql`lateral (select s.wal_write as writes, s.wal_sync as syncs, s.wal_write_time as write_ms, s.wal_sync_time as sync_ms, s.stats_reset as since) o`,
    }),
    // without those that make new segments ready, which are of the context init
    18: countersWith({
      from: sql`(
          select pg_catalog.sum(i.writes)::bigint as writes, pg_catalog.sum(i.fsyncs)::bigint as syncs,
                 pg_catalog.sum(i.write_time) as write_ms, pg_catalog.sum(i.fsync_time) as sync_ms, pg_catalog.max(i.stats_reset) as since
            from pg_catalog.pg_stat_io i
           where i.object = 'wal' and i.context = 'normal'
        ) o`,
    }),
  }),
});
export type WalCounters = RowOf<typeof walCounters>;

function ownSetting(name: Sql): Sql {
  return sql`(select s.setting from pg_catalog.pg_settings s where s.name = ${name} and ${isOfServer(sql`s.source`)})`;
}

/** https://www.postgresql.org/docs/current/runtime-config-wal.html */
export const walTuning = definePart({
  what: 'the settings of WAL',
  row: {
    wal_buffers: count.meta({ unit: 'bytes' }),
    wal_compression: z
      .string()
      .nullable()
      .describe('Null where the login or the database that is asked has a value of its own.'),
    compression_choices: z.array(z.string()),
    wal_sync_method: z.string(),
    full_page_writes: z.boolean(),
    track_wal_io_timing: z.boolean(),
    checkpoint_timeout_s: z.number().meta({ unit: 's' }),
    block_size: count.meta({ unit: 'bytes' }),
  },
  sql: byServerVersion({
    14: sql`
      select pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_buffers')) as wal_buffers, ${ownSetting(sql`'wal_compression'`)} as wal_compression,
             (select coalesce(pg_catalog.to_json(c.enumvals), '["on", "off"]') from pg_catalog.pg_settings c where c.name = 'wal_compression') as compression_choices,
             pg_catalog.current_setting('wal_sync_method') as wal_sync_method, pg_catalog.current_setting('full_page_writes')::boolean as full_page_writes,
             pg_catalog.current_setting('track_wal_io_timing')::boolean as track_wal_io_timing,
             extract(epoch from pg_catalog.current_setting('checkpoint_timeout')::interval) as checkpoint_timeout_s,
             pg_catalog.current_setting('block_size')::bigint as block_size`,
  }),
});
export type WalTuning = RowOf<typeof walTuning>;
