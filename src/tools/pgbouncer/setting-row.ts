import { z } from 'zod';

/** https://www.pgbouncer.org/usage.html#show-config */
export const settingRow = {
  pooler: z.string(),
  name: z.string(),
  value: z.string().nullable(),
  default: z.string().nullable(),
  restart: z.boolean().describe('A change takes a restart; RELOAD is enough for the others.'),
} as const;
export type SettingRow = z.output<z.ZodObject<typeof settingRow>>;

/** How many connections the pools may open to one address of a server. */
export const budgetRow = {
  pooler: z.string(),
  host: z.string().nullable(),
  port: z.int().nullable(),
  databases: z.int().min(1),
  pools: z.int().min(0),
  possible: z.int().min(0).describe('Connections that these pools may open.'),
  possible_all: z.int().min(0).describe('With a pool for each database that has none yet.'),
  this_server: z
    .boolean()
    .nullable()
    .describe('Whether it is the server that was asked; null where that cannot be told.'),
} as const;
export type BudgetRow = z.output<z.ZodObject<typeof budgetRow>>;

/** Of the connections of the server. */
export const roomRow = {
  max: z.int(),
  reserved: z.int().describe('For superusers and, from PostgreSQL 16, members of pg_use_reserved_connections.'),
  used: z.int().min(0),
} as const;
export type RoomRow = z.output<z.ZodObject<typeof roomRow>>;
