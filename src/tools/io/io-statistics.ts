import { z } from 'zod';
import { byServerVersion, defineDiagnostic } from '../kit/index.ts';
import { BYTES, statistics, sums } from './io-columns.ts';
import { aboutIo, ioRow } from './io-row.ts';
import { judgeIo, notCountedIo } from './judge-io.ts';

const ms = z.number().min(0);

export default defineDiagnostic({
  name: 'io_statistics',
  area: 'io',
  title: 'I/O of the server',
  description: 'Reads, writes, growth, syncs and cache hits by kind of process, object and context, most time first.',
  alsoKnownAs: { get_io_stats: { database_name: 'database' } },
  clusterWide: true,
  input: {},
  thresholds: {
    // a rotating disk takes some 10 ms: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW
    max_read_ms: ms.default(20).describe('Report reads that take longer on average.'),
    max_extend_ms: ms.default(20).describe('Report files that take longer to grow.'),
    max_fsync_ms: ms.default(500).describe('Report files that take longer to sync.'),
    max_backend_write_percent: z.number().min(0).max(100).default(50).describe('Report sessions that write more.'),
  },
  row: ioRow,
  about: aboutIo,
  counted: true,
  sql: () => byServerVersion({ 12: sums, 16: statistics(BYTES[16]), 18: statistics(BYTES[18]) }),
  findings: judgeIo,
  notExamined: (_, { about, facts }) => notCountedIo(about, facts),
});
