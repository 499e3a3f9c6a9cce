import { z } from 'zod';
import { byServerVersion, definePart, defineTool, limitInput, readParts, sql, statementsOf } from '../kit/index.ts';
import { BYTES, counting, statistics, sums } from './io-columns.ts';
import { aboutIo, ioRow } from './io-row.ts';
import { judgeIo, notCountedIo } from './judge-io.ts';

/** All of them, since shares of what is cut off would be wrong. */
const io = definePart({
  what: 'I/O of the server',
  row: ioRow,
  sql: byServerVersion({ 12: sums, 16: statistics(BYTES[16]), 18: statistics(BYTES[18]) }),
});

const counted = definePart({
  what: 'since when I/O is counted',
  row: aboutIo,
  sql: byServerVersion({
    12: counting({
      since: sql`(select b.stats_reset from pg_catalog.pg_stat_bgwriter b)`,
      databasesSince: sql`(select pg_catalog.min(d.stats_reset) from pg_catalog.pg_stat_database d)`,
      walTiming: sql`null::boolean`,
    }),
    16: counting({
      since: sql`(select pg_catalog.min(i.stats_reset) from pg_catalog.pg_stat_io i)`,
      databasesSince: sql`null::timestamp with time zone`,
      walTiming: sql`pg_catalog.current_setting('track_wal_io_timing')::boolean`,
    }),
  }),
});

const PARTS = { io, counted };
const ms = z.number().min(0);

export default defineTool({
  name: 'io_statistics',
  area: 'io',
  title: 'I/O of the server',
  description: 'Reads, writes, growth, syncs and cache hits by kind of process, object and context, most time first.',
  alsoKnownAs: { get_io_stats: { database_name: 'database' } },
  clusterWide: true,
  input: { limit: limitInput() },
  thresholds: {
    // a rotating disk takes some 10 ms: https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-IO-VIEW
    max_read_ms: ms.default(20).describe('Report reads that take longer on average.'),
    max_extend_ms: ms.default(20).describe('Report files that take longer to grow.'),
    max_fsync_ms: ms.default(500).describe('Report files that take longer to sync.'),
    max_backend_write_percent: z.number().min(0).max(100).default(50).describe('Report sessions that write more.'),
  },
  output: {
    about: counted.shape.nullable(),
    rows: z.array(io.shape),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ limit, ...input }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, {});
    const [about = null] = parts.counted;
    return {
      about,
      rows: parts.io.slice(0, limit),
      truncated: parts.io.length > limit,
      total: parts.io.length,
      facts,
      findings: judgeIo(parts.io, { input, about, facts }),
      not_examined: [...unreadable, ...notCountedIo(about, facts)],
    };
  },
});
