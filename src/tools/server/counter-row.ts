import { z } from 'zod';

const count = z.number().min(0).nullable();
const bytes = count.meta({ unit: 'bytes' });
const ms = count.meta({ unit: 'ms' });
const percent = z.number().nullable().meta({ unit: 'percent' });
const name = z.string().nullable().meta({ names: 'database' });

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW */
export const counterRow = {
  database: name.describe('Null for the catalogues that all databases share.'),
  counted_since: z.iso.datetime().nullable(),
  connections: count,
  commits: count,
  rollbacks: count,
  rollback_percent: percent,
  transactions_per_s: z.number().nullable(),
  hit_percent: percent.describe('Share of blocks that were in shared_buffers.'),
  read_size: bytes.describe('From disk or the cache of the operating system.'),
  tup_returned: count.describe('Rows that scans read, and index entries.'),
  tup_fetched: count.describe('Rows that index scans fetched.'),
  tup_inserted: count,
  tup_updated: count,
  tup_deleted: count,
  temp_files: count,
  temp_size: bytes,
  deadlocks: count,
  conflicts: count.describe('Queries that replay cancelled, on a standby.'),
  checksum_failures: count.describe('Null when checksums are off.'),
  last_checksum_failure: z.iso.datetime().nullable(),
  read_ms: ms,
  write_ms: ms,
};

/** How sessions went: PostgreSQL 14 and later. */
export const sessionCounters = {
  database: name,
  sessions: count,
  sessions_abandoned: count.describe('Whose clients were lost.'),
  sessions_fatal: count.describe('That an error ended.'),
  sessions_killed: count.describe('That somebody ended.'),
  session_ms: ms,
  active_ms: ms,
  idle_in_transaction_ms: ms,
  parallel_workers_to_launch: count.describe('As planned; PostgreSQL 18 on.'),
  parallel_workers_launched: count,
};

/** What is judged, beside what is shown. */
export const counterState = {
  counted_s: z.int().nullable(),
  temp_size_per_hour: count,
};

export type CounterRow = z.output<z.ZodObject<typeof counterRow & typeof sessionCounters & typeof counterState>>;
