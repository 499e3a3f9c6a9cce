import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type RowOf } from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';

const size = z.int().nullable().meta({ unit: 'bytes' });
const lsn = z.string().nullable();

/** https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-WAL-SUMMARY */
export const summarizer = definePart({
  what: 'the WAL summarizer',
  row: {
    summarize_wal: z.boolean(),
    wal_summary_keep_time: z.string().describe('Older summaries are removed; 0 for never.'),
    wal_level: z.string(),
    summarizer_pid: z.int().nullable(),
    summarized_tli: z.int().nullable(),
    summarized_lsn: lsn.describe('Where the last summary on disk ends.'),
    pending_lsn: lsn.describe('How far it has read.'),
    wal_lsn: lsn,
    unread_size: size.describe('WAL that it has not read.'),
    unsummarized_size: size.describe(
      'WAL without a summary, which is kept for it; summaries end where checkpoints begin.',
    ),
    summaries: z.int().min(0).describe('On disk.'),
    oldest_lsn: lsn.describe('From where on there are summaries, of any timeline.'),
  },
  sql: byServerVersion({
    // no process has none of it: timeline 0
    17: sql`
      select pg_catalog.current_setting('summarize_wal')::boolean as summarize_wal, pg_catalog.current_setting('wal_summary_keep_time') as wal_summary_keep_time,
             pg_catalog.current_setting('wal_level') as wal_level, s.summarizer_pid, nullif(s.summarized_tli, 0) as summarized_tli,
             nullif(s.summarized_lsn, '0/0')::text as summarized_lsn, nullif(s.pending_lsn, '0/0')::text as pending_lsn, (${RECEIVED_OR_WRITTEN})::text as wal_lsn,
             pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, nullif(s.pending_lsn, '0/0'))::bigint as unread_size,
             pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, nullif(s.summarized_lsn, '0/0'))::bigint as unsummarized_size,
             a.summaries, a.oldest_lsn
        from pg_catalog.pg_get_wal_summarizer_state() s
       cross join (${walPositions}) i
       cross join (select pg_catalog.count(*) as summaries, pg_catalog.min(w.start_lsn)::text as oldest_lsn from pg_catalog.pg_available_wal_summaries() w) a`,
  }),
});
export type Summarizer = RowOf<typeof summarizer>;

export const walSummaries = definePart({
  what: 'WAL summaries',
  row: {
    tli: z.int(),
    start_lsn: z.string(),
    end_lsn: z.string(),
    size: size.describe('Of the WAL that it sums up.'),
  },
  sql: byServerVersion({
    17: sql`
      select w.tli, w.start_lsn::text as start_lsn, w.end_lsn::text as end_lsn, pg_catalog.pg_wal_lsn_diff(w.end_lsn, w.start_lsn)::bigint as size
        from pg_catalog.pg_available_wal_summaries() w
       order by w.tli desc, w.end_lsn desc
       limit ${param('limit')}`,
  }),
});
