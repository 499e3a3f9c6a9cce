import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf } from '../kit/index.ts';

/** How much WAL this server has made since its counters were reset. A standby makes none. */
export const walVolume = definePart({
  what: 'how much WAL was written since statistics were reset',
  row: {
    size: z.int().min(0).meta({ unit: 'bytes' }),
    size_per_s: z.number().nullable().meta({ unit: 'bytes' }),
    counted_since: z.iso.datetime().nullable(),
    counted_s: z.number().nullable().meta({ unit: 's' }),
  },
  sql: byServerVersion({
    // no row before pg_stat_wal came
    12: sql`select null::bigint as size, null::numeric as size_per_s, pg_catalog.now() as counted_since, null::numeric as counted_s where false`,
    14: sql`
      select w.wal_bytes as size, pg_catalog.round(w.wal_bytes / nullif(w.counted_s, 0), 1) as size_per_s, w.stats_reset as counted_since, w.counted_s
        from (select s.wal_bytes, s.stats_reset, ${secondsSince(sql`s.stats_reset`)} as counted_s from pg_catalog.pg_stat_wal s) w
       where not pg_catalog.pg_is_in_recovery()`,
  }),
});
export type WalVolume = RowOf<typeof walVolume>;
