import { z } from 'zod';

const count = z.int().min(0).nullable();

export const poolerInput = z.string().min(1).max(63).optional().describe('One of several, by its name.');

/** The database as it is named on both sides of a pooler. */
export const databaseNames = {
  database: z.string().describe('As clients name it.'),
  server_database: z.string().meta({ names: 'database' }).describe('As the server names it.'),
} as const;

/** https://www.pgbouncer.org/usage.html#show-pools */
export const poolRow = {
  pooler: z.string(),
  ...databaseNames,
  user: z.string(),
  pool_mode: z.string().nullable(),
  cl_active: count.describe('Clients that have a server connection, or ask for none now.'),
  cl_waiting: count.describe('Clients that wait for one.'),
  cl_cancel_req: count.describe('Cancel requests of clients.'),
  maxwait_s: z.number().min(0).nullable().meta({ unit: 's' }).describe('How long the first of them has waited.'),
  sv_active: count.describe('Server connections that a client has.'),
  sv_idle: count,
  sv_used: count.describe('Idle, and to be checked before they are used again.'),
  sv_tested: count,
  sv_login: count.describe('Being opened.'),
  sv_cancel: count.describe('Busy with a cancel request; null before PgBouncer 1.18.'),
  pool_size: count,
  reserve_pool_size: count,
} as const;
export type PoolRow = z.output<z.ZodObject<typeof poolRow>>;

/** https://www.pgbouncer.org/usage.html#show-databases */
export const databaseRow = {
  pooler: z.string(),
  ...databaseNames,
  connections: count.describe('Server connections, of all users.'),
  max_connections: count.describe('Null where there is no limit.'),
  clients: count.describe('Null before PgBouncer 1.24.'),
  max_clients: count,
  paused: z.boolean(),
  disabled: z.boolean(),
} as const;
export type DatabaseRow = z.output<z.ZodObject<typeof databaseRow>>;

export const poolerRow = {
  pooler: z.string(),
  address: z.string(),
  version: z.string(),
  state: z.enum(['active', 'paused', 'suspended']).nullable().describe('Null before PgBouncer 1.19.'),
  clients: count,
  max_client_conn: count,
  server_connections: count,
} as const;
export type PoolerRow = z.output<z.ZodObject<typeof poolerRow>>;
