import { z } from 'zod';

const event = {
  wait_event_type: z.string().nullable().describe('Null for those that run, or wait for what nobody records.'),
  wait_event: z.string().nullable(),
};
const average = z.number().min(0).describe('Sessions at once.');
const percent = z.number().nullable().meta({ unit: 'percent' }).describe('Of what sessions of clients did.');
const mostly = z.string().describe('The event that was seen most.');

/** What was seen in several moments: of sessions of clients, but for `background`. */
export const waitProfile = {
  average_active: average.describe('Sessions of clients with a statement under way, on average.'),
  most_active: z.int().min(0),
  average_idle_in_transaction: average,
  rows: z.array(z.object({ ...event, average, percent })).describe('By event.'),
  truncated: z.boolean(),
  databases: z.array(
    z.object({ database: z.string().nullable().meta({ names: 'database' }), average, percent, mostly }),
  ),
  statements: z.array(
    z.object({
      query_id: z.string().nullable(),
      database: z.string().nullable().meta({ names: 'database' }),
      average,
      percent,
      mostly,
      statement: z.string().nullable().meta({ names: 'statement' }),
    }),
  ),
  background: z
    .array(z.object({ backend_type: z.string(), ...event, average }))
    .describe('Processes of the server that were at work.'),
};
export type WaitProfile = z.output<z.ZodObject<typeof waitProfile>>;
