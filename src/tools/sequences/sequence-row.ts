import { z } from 'zod';

const count = z.int().min(0);

export const row = {
  schema: z.string().meta({ names: 'schema' }),
  sequence: z.string().meta({ names: 'sequence' }),
  sequence_type: z.enum(['smallint', 'integer', 'bigint']),
  table_schema: z.string().nullable().meta({ names: 'schema' }),
  table: z.string().nullable().meta({ names: 'table' }),
  column: z.string().nullable().meta({ names: 'column' }).describe('Of the columns that it feeds, the narrowest.'),
  column_type: z.string().nullable().describe('Of a domain, its base type.'),
  identity: z.boolean(),
  increment: z.string().describe('Below 0 it counts down.'),
  cycles: z.boolean(),
  last_value: z.string().nullable().describe('Null when it was never used, or is unreadable.'),
  last_possible: z.string().describe('By the bounds of the sequence and the type of the column.'),
  limited_by: z.enum(['column', 'sequence', 'both']),
  own_bound: z.boolean().describe('Its bound was set below what its type allows.'),
  remaining: z.string().nullable().describe('Values that it can still give.'),
  used_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of its range; above 100 when it is past it.'),
  narrower_references: z
    .array(z.string())
    .describe('Columns of foreign keys to the column that are smallint or integer too.'),
  unreadable: z
    .enum(['right', 'lock', 'standby'])
    .nullable()
    .describe('Why its value cannot be read: no right, a lock, or unlogged and on a standby.'),
};
export type SequenceRow = z.output<z.ZodObject<typeof row>>;

export const about = {
  without_right: count.describe('Sequences that the login may not read.'),
  without_right_in: z.array(z.string()).describe('Their schemas, quoted.'),
  behind_lock: count,
  unlogged: count.describe('Sequences without a value on a standby.'),
};
export type SequenceGaps = z.output<z.ZodObject<typeof about>>;
