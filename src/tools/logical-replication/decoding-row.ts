import { z } from 'zod';

const count = z.int().min(0).nullable();
const size = z.int().nullable().meta({ unit: 'bytes' });
const lsn = z.string().nullable();

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-SLOTS-VIEW */
export const decodingRow = {
  slot_name: z.string(),
  plugin: z.string().nullable(),
  database: z.string().nullable().meta({ names: 'database' }),
  active: z.boolean(),
  restart_lsn: lsn.describe('From where on WAL is decoded after a restart.'),
  confirmed_flush_lsn: lsn.describe('Up to where the receiver has everything.'),
  unconfirmed_size: size.describe('Of WAL; the receiver has not confirmed it.'),
  total_txns: count.describe('Transactions that were sent.'),
  total_size: size.describe('Of changes that were decoded for them.'),
  spill_txns: count.describe('Transactions that went through the disk, as they were larger than memory.'),
  spill_count: count,
  spill_size: size,
  spill_percent: z
    .number()
    .nullable()
    .meta({ unit: 'percent' })
    .describe('Of total_size; what is spilled again counts again.'),
  stream_txns: count.describe('Transactions that were sent before their commit.'),
  stream_count: count,
  stream_size: size,
  counted_since: z.iso.datetime().nullable(),
} as const;
export type DecodingRow = z.output<z.ZodObject<typeof decodingRow>>;

export const aboutDecoding = {
  logical_decoding_work_mem: size.describe('From which size on a transaction spills or streams.'),
} as const;
export type AboutDecoding = z.output<z.ZodObject<typeof aboutDecoding>>;
