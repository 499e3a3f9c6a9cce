import { z } from 'zod';
import { byServerVersion, definePart, sql, type Sql } from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';

const size = z.int().nullable().meta({ unit: 'bytes' });
const segment = sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))`;

/** https://www.postgresql.org/docs/current/wal-internals.html */
export const walFiles = definePart({
  what: 'the size of pg_wal and what waits to be archived',
  needs: 'pg_monitor',
  row: {
    size,
    segments: z.int().min(0),
    recycled: z.int().nullable().describe('Segments that are ready to be written; null on a standby.'),
    oldest_at: z.iso.datetime().nullable().describe('When the oldest was written last.'),
    waiting_for_archive: z.int().min(0),
    waiting_size: size,
  },
  sql: byServerVersion({
    12: sql`
      select w.size, w.segments, w.recycled, w.oldest_at, r.waiting as waiting_for_archive, r.segments * ${segment} as waiting_size
        from (
          select pg_catalog.sum(f.size)::bigint as size, pg_catalog.count(*) filter (where f.name ~ '^[0-9A-F]{24}$') as segments,
                 case when c.wal_file is not null then pg_catalog.count(*) filter (where f.name ~ '^[0-9A-F]{24}$' and f.name > c.wal_file) end as recycled,
                 pg_catalog.min(f.modification) filter (where f.name ~ '^[0-9A-F]{24}$') as oldest_at
            from pg_catalog.pg_ls_waldir() f
           cross join (select case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) end as wal_file) c
           group by c.wal_file
        ) w
       cross join (
          select pg_catalog.count(*) as waiting, pg_catalog.count(*) filter (where s.name ~ '^[0-9A-F]{24}') as segments
            from pg_catalog.pg_ls_archive_statusdir() s where s.name like '%.ready'
       ) r`,
  }),
});

interface Kept {
  readonly keepSize: Sql;
  readonly lost: Sql;
}

/** What the server keeps WAL for, beside recovery from its last checkpoint: https://www.postgresql.org/docs/current/wal-configuration.html */
const keptWith = ({ keepSize, lost }: Kept) => sql`
      select (select pg_catalog.max(pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, s.restart_lsn))::bigint
                from pg_catalog.pg_replication_slots s where not ${lost}) as by_slots,
             ${keepSize} as by_wal_keep_size,
             pg_catalog.pg_size_bytes(pg_catalog.current_setting('min_wal_size')) as by_min_wal_size
        from (${walPositions}) i`;

export const walKept = definePart({
  what: 'what WAL is kept for',
  row: {
    by_slots: size.describe('For the slot that is furthest behind.'),
    by_wal_keep_size: size,
    by_min_wal_size: size,
  },
  sql: byServerVersion({
    12: keptWith({
      keepSize: sql`pg_catalog.current_setting('wal_keep_segments')::bigint * ${segment}`,
      lost: sql`false`,
    }),
    13: keptWith({
      keepSize: sql`pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size'))`,
      lost: sql`coalesce(s.wal_status = 'lost', false)`,
    }),
  }),
});
