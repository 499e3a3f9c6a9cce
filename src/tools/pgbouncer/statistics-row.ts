import { z } from 'zod';
import { databaseNames } from './pool-row.ts';

const total = z.int().min(0).nullable();
const rate = z.int().min(0).nullable();
const time = z.number().min(0).nullable().meta({ unit: 'ms' });
const bytes = z.int().min(0).nullable().meta({ unit: 'bytes' });

/** https://www.pgbouncer.org/usage.html#show-stats: times are in milliseconds here, and in microseconds there. */
export const statisticsRow = {
  pooler: z.string(),
  ...databaseNames,
  total_xact_count: total,
  total_query_count: total,
  total_received: bytes,
  total_sent: bytes,
  total_xact_time: time,
  total_query_time: time,
  total_wait_time: time.describe('Of clients, for a server connection.'),
  avg_xact_count: rate.describe('In a second, as are the following.'),
  avg_query_count: rate,
  avg_recv: bytes,
  avg_sent: bytes,
  avg_xact_time: time.describe('Of each transaction.'),
  avg_query_time: time.describe('Of each query.'),
  avg_wait_time: time.describe(
    'For each server connection that a client was given; before 1.23, for each transaction.',
  ),
  avg_waiting: z.number().min(0).nullable().describe('Clients that waited at once.'),
} as const;
export type StatisticsRow = z.output<z.ZodObject<typeof statisticsRow>>;
