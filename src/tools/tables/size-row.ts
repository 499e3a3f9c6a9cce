import { z } from 'zod';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const percent = z.number().nullable().meta({ unit: 'percent' });

export const sizeRow = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  kind: z.enum(['table', 'partitioned_table', 'partition', 'materialized_view']),
  persistence: z
    .enum(['permanent', 'unlogged', 'temporary'])
    .describe(
      'A crash empties unlogged tables, and standbys have none of their rows; temporary ones end with their session.',
    ),
  size: bytes.describe('All of it: table, maps, TOAST and indexes, with all partitions.'),
  database_percent: percent.describe('Share of the whole database.'),
  table_size: bytes.describe('The rows themselves, and space that rows can be written to again.'),
  map_size: bytes.describe(
    'Maps of free space and of visibility; null where sizes are estimated, which leaves them out.',
  ),
  toast_size: bytes.describe('Long values that are kept apart, with their index.'),
  index_size: bytes,
  indexes: z.int().min(0),
  index_percent: percent.describe('Indexes, in percent of table and TOAST.'),
  rows: z.int().nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  row_size: z
    .int()
    .nullable()
    .meta({ unit: 'bytes' })
    .describe('Of table and TOAST by row, with the space of dead ones.'),
  partitions: z.int().nullable(),
  size_estimated: z.boolean().describe('A lock kept the sizes from us: they are those of the last VACUUM or ANALYZE.'),
};
export type SizeRow = z.output<z.ZodObject<typeof sizeRow>>;

export const aboutSizes = {
  database_size: bytes.describe('Null where the login may neither connect any more nor read all statistics.'),
  total_size: bytes.describe('Of all that match, beyond the limit too.'),
  total_estimated: z
    .boolean()
    .describe('Too many match to measure all: total_size and the order are those of the last VACUUM or ANALYZE.'),
  other_size: bytes.describe(
    'The rest of the database: catalogs, large objects, sequences. Null with a filter, and where a size is estimated.',
  ),
};
export type AboutSizes = z.output<z.ZodObject<typeof aboutSizes>>;
