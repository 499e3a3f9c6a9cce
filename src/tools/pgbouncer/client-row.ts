import { z } from 'zod';

const text = z.string().nullable();
const seconds = z.number().min(0).nullable().meta({ unit: 's' });

const whose = {
  pooler: z.string(),
  database: text.describe('As clients name it; null where none was named yet.'),
  server_database: text.meta({ names: 'database' }).describe('As the server names it.'),
  user: text,
  application: text.meta({ names: 'text' }).describe('As the client names itself; null before PgBouncer 1.18.'),
} as const;

/** Connections of one kind and state, counted together. https://www.pgbouncer.org/usage.html#show-clients */
export const connectionsRow = {
  ...whose,
  kind: z.enum(['client', 'server']).describe('To PgBouncer, or from PgBouncer to the server.'),
  state: text,
  connections: z.int().min(1),
  addresses: z.int().min(0).describe('Different ones.'),
  longest_wait_s: seconds.describe('Of those that wait.'),
} as const;
export type ConnectionsRow = z.output<z.ZodObject<typeof connectionsRow>>;

export const waitingRow = { ...whose, client_address: text, wait_s: seconds } as const;
export type WaitingRow = z.output<z.ZodObject<typeof waitingRow>>;

export const holdingRow = {
  ...whose,
  client_address: text,
  server_pid: z.int().nullable().describe('Of its session on the server.'),
  statement_s: seconds.describe('How long its statement has run; null while none does.'),
  silent_s: seconds.describe('Since the client last asked for something.'),
} as const;
export type HoldingRow = z.output<z.ZodObject<typeof holdingRow>>;
