import { z } from 'zod';

const bytes = z.int().nullable().meta({ unit: 'bytes' });

export const tablespaceRow = {
  tablespace: z.string(),
  owner: z.string(),
  location: z.string().nullable().describe('Null within the data directory, and where the login may not see it.'),
  size: bytes.describe('Of all databases; null where it was not measured.'),
  options: z.array(z.string()).nullable(),
  databases: z.int().min(0).describe('Whose default it is.'),
  tables: z.int().min(0).describe('Of this database, with materialized views and TOAST.'),
  indexes: z.int().min(0),
  database_size: bytes.describe('Of those, as of the last VACUUM or ANALYZE.'),
};

/** What is judged, beside what is shown. */
export const tablespaceState = {
  /** Why there is no size. */
  unmeasured: z.enum(['right', 'time', 'unwanted', 'unreadable']).nullable(),
  in_data_directory: z.boolean().nullable(),
};
export type Tablespace = z.output<z.ZodObject<typeof tablespaceRow & typeof tablespaceState>>;

export const placement = {
  database_tablespace: z.string().describe('Where this database is.'),
  default_tablespace: z
    .string()
    .nullable()
    .describe('Where new tables go; empty: there. Null where this login has a value of its own.'),
  temp_tablespaces: z.string().nullable().describe('Where temporary tables and files go; empty: there.'),
};
export type Placement = z.output<z.ZodObject<typeof placement>>;
