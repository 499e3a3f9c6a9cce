import { z } from 'zod';

const ms = z.number().min(0).nullable().meta({ unit: 'ms' });

export const functionRow = {
  schema: z.string().meta({ names: 'schema' }),
  function: z.string().meta({ names: 'function' }),
  arguments: z.string().nullable(),
  language: z.string(),
  calls: z.int().min(0),
  total_ms: ms.describe('With the functions that it called.'),
  self_ms: ms.describe('Without them.'),
  mean_ms: ms,
  mean_self_ms: ms,
  self_percent: z
    .number()
    .nullable()
    .meta({ unit: 'percent' })
    .describe('Share of what all functions took themselves.'),
};
export type FunctionRow = z.output<z.ZodObject<typeof functionRow>>;

export const aboutFunctions = {
  track_functions: z.enum(['none', 'pl', 'all']),
  counted_since: z.iso.datetime().nullable(),
};
export type AboutFunctions = z.output<z.ZodObject<typeof aboutFunctions>>;
