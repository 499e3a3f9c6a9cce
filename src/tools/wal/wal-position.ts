import { z } from 'zod';
import { byServerVersion, definePart, sql, type RowOf } from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';

const text = z.string().nullable();
const size = z.int().nullable().meta({ unit: 'bytes' });

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP */
export const walPosition = definePart({
  what: 'the position in WAL',
  row: {
    standby: z.boolean(),
    wal_lsn: text.describe('Where WAL was written or, on a standby, received up to.'),
    insert_lsn: text.describe('Where WAL is made, ahead of what is written; null on a standby.'),
    replay_lsn: text.describe('On a standby.'),
    wal_file: text.describe('The segment of wal_lsn, on a primary.'),
    timeline: z.int().nullable().describe('On a standby, that of the WAL that streams in.'),
    segment_size: size,
  },
  sql: byServerVersion({
    // the names of segments begin with the timeline: https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
    12: sql`
      select i.standby, (${RECEIVED_OR_WRITTEN})::text as wal_lsn,
             case when not i.standby then pg_catalog.pg_current_wal_insert_lsn() end::text as insert_lsn,
             i.replayed::text as replay_lsn, f.wal_file,
             case when i.standby then (select r.received_tli from pg_catalog.pg_stat_wal_receiver r)
                  else ('x' || pg_catalog.left(f.wal_file, 8))::bit(32)::integer end as timeline,
             pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) as segment_size
        from (${walPositions}) i
       cross join lateral (select case when not i.standby then pg_catalog.pg_walfile_name(i.written) end as wal_file) f`,
  }),
});

/** Moments of the wall clock, so that two looks have a rate between them; of a standby what comes in. */
export const walMoment = definePart({
  what: 'the rate of WAL',
  row: {
    at_s: z.number(),
    standby: z.boolean(),
    bytes: z
      .number()
      .nullable()
      .describe('Since the beginning of all WAL, which means something between two looks only.'),
    replayed_bytes: z.number().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select extract(epoch from pg_catalog.clock_timestamp()) as at_s, i.standby,
             pg_catalog.pg_wal_lsn_diff(case when i.standby then coalesce(i.received, i.replayed) else pg_catalog.pg_current_wal_insert_lsn() end, '0/0') as bytes,
             pg_catalog.pg_wal_lsn_diff(i.replayed, '0/0') as replayed_bytes
        from (${walPositions}) i`,
  }),
});
export type WalMoment = RowOf<typeof walMoment>;
