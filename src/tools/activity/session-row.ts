import { z } from 'zod';

const seconds = z.number().min(0).nullable().meta({ unit: 's' });

/** https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW */
export const STATES = [
  'active',
  'idle',
  'idle in transaction',
  'idle in transaction (aborted)',
  'fastpath function call',
  'disabled',
] as const;

/** A session as the answer has it; what the login may not see of it is null. */
export const sessionRow = {
  pid: z.int().describe('0 stands for prepared transactions, which have no session.'),
  backend_type: z.string().nullable(),
  user: z.string().nullable(),
  database: z.string().nullable().meta({ names: 'database' }),
  application: z.string().nullable().meta({ names: 'text' }),
  client_address: z.string().nullable(),
  state: z.string().nullable(),
  wait_event_type: z.string().nullable(),
  wait_event: z.string().nullable(),
  blocked_by: z
    .array(z.int())
    .nullable()
    .describe('Null when it waits for no lock, empty when too many wait to ask for each.'),
  waiting_behind: z.int().min(0).describe('Sessions that wait for this one; indirectly only where it waits for none.'),
  longest_wait_s: seconds.describe('How long the first of those behind it has waited.'),
  wait_s: seconds.describe('How long it has waited for a lock; before PostgreSQL 14, its statement has run.'),
  backend_start: z.iso.datetime().nullable().describe('With pid, what tells this session from a later one.'),
  transaction_s: seconds,
  statement_s: seconds,
  state_s: seconds,
  xmin_age: z
    .int()
    .nullable()
    .describe('Transactions since the oldest that it may still see; VACUUM keeps what they deleted.'),
  leader_pid: z.int().nullable(),
  query_id: z.string().nullable(),
  statement: z.string().nullable().meta({ names: 'statement' }).describe('The one that runs or, when idle, the last.'),
};
export type SessionRow = z.output<z.ZodObject<typeof sessionRow>>;

export const aboutWaiters = {
  waiters: z.int().min(0).describe('Sessions that wait for a lock.'),
  waiters_asked: z.int().min(0).describe('Those of them who were asked for whom, the longest waiting first.'),
};
export type AboutWaiters = z.output<z.ZodObject<typeof aboutWaiters>>;
