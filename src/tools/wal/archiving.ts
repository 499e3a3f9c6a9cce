import { z } from 'zod';
import { byServerVersion, definePart, secondsSince, sql, type RowOf } from '../kit/index.ts';

const seconds = z.number().nullable().meta({ unit: 's' });
const size = z.int().nullable().meta({ unit: 'bytes' });

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ARCHIVER-VIEW */
export const archiveProgress = definePart({
  what: 'the progress of archiving',
  row: {
    last_archived_wal: z.string().nullable(),
    last_archived_s: seconds.describe('Since then.'),
    last_failed_s: seconds,
    archived_per_hour: z.number().nullable().describe('On average since statistics were reset.'),
    archive_timeout_s: seconds.describe('A segment is archived after so long though it is not full; null for never.'),
    counted_since: z.iso.datetime().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select a.last_archived_wal, ${secondsSince(sql`a.last_archived_time`)} as last_archived_s, ${secondsSince(sql`a.last_failed_time`)} as last_failed_s,
             pg_catalog.round((a.archived_count * 3600 / nullif(${secondsSince(sql`a.stats_reset`)}, 0))::numeric, 2) as archived_per_hour,
             extract(epoch from nullif(pg_catalog.current_setting('archive_timeout'), '0')::interval) as archive_timeout_s,
             a.stats_reset as counted_since
        from pg_catalog.pg_stat_archiver a`,
  }),
});

/** Of files that wait: segments, and the histories of timelines and labels of backups, which are small. */
export const archiveBacklog = definePart({
  what: 'what waits to be archived',
  needs: 'pg_monitor',
  row: {
    waiting: z.int().min(0).describe('Files, most of them segments.'),
    waiting_size: size.describe('Of the segments.'),
    oldest_waiting_wal: z.string().nullable(),
    oldest_waiting_s: seconds.describe('Since it has been ready.'),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.count(*) as waiting,
             pg_catalog.count(*) filter (where r.name ~ '^[0-9A-F]{24}(\\.partial)?\\.ready$')
               * pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as waiting_size,
             pg_catalog.left((pg_catalog.array_agg(r.name order by r.modification, r.name))[1], -6) as oldest_waiting_wal,
             ${secondsSince(sql`pg_catalog.min(r.modification)`)} as oldest_waiting_s
        from pg_catalog.pg_ls_archive_statusdir() r
       where r.name like '%.ready'`,
  }),
});
export type ArchiveBacklog = RowOf<typeof archiveBacklog>;
