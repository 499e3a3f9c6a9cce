import { z } from 'zod';
import { closedLast, byServerVersion, defineDiagnostic, percentOf, sql } from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from '../server/wal-position.ts';
import { aboutDecoding, decodingRow } from './decoding-row.ts';
import { judgeDecoding } from './judge-decoding.ts';

export default defineDiagnostic({
  name: 'replication_slot_statistics',
  area: 'logical_replication',
  title: 'Logical decoding',
  description: 'What each logical slot has decoded, spilled to disk and streamed, and how far. PostgreSQL 14 on.',
  clusterWide: true,
  input: {},
  thresholds: {
    // https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-LOGICAL-DECODING-WORK-MEM
    min_spill_size: z.int().min(0).default(1_073_741_824).describe('Report slots that spilled more, in bytes.'),
    max_spill_percent: z.number().min(0).default(10).describe('Report slots that spilled more of what they decoded.'),
  },
  row: decodingRow,
  about: aboutDecoding,
  counted: true,
  sql: ({ limit }) =>
    byServerVersion({
      14: sql`
        select s.slot_name, s.plugin, s.database, s.active, s.restart_lsn::text as restart_lsn, s.confirmed_flush_lsn::text as confirmed_flush_lsn,
               pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, s.confirmed_flush_lsn)::bigint as unconfirmed_size,
               t.total_txns, t.total_bytes as total_size, t.spill_txns, t.spill_count, t.spill_bytes as spill_size,
               ${percentOf(sql`t.spill_bytes`, sql`t.total_bytes`)} as spill_percent,
               t.stream_txns, t.stream_count, t.stream_bytes as stream_size, t.stats_reset as counted_since,
               pg_catalog.pg_size_bytes(pg_catalog.current_setting('logical_decoding_work_mem')) as logical_decoding_work_mem,
               pg_catalog.count(*) over () as total_rows
          from pg_catalog.pg_replication_slots s
          left join pg_catalog.pg_stat_replication_slots t on t.slot_name = s.slot_name
         cross join (${walPositions}) i
         where s.slot_type = 'logical'
         order by ${closedLast(sql`s.database`)}, t.spill_bytes desc nulls last, t.total_bytes desc nulls last, s.slot_name
         limit ${limit}`,
    }),
  findings: judgeDecoding,
});
