import { z } from 'zod';
import { AccessClass } from './access-class.ts';

/** One line of `howdah tools --json`: what can be called, and why not the rest. */
export const ToolInfo = z.object({
  name: z.string(),
  area: z.string(),
  class: AccessClass,
  title: z.string(),
  callable: z.boolean(),
  reason: z.string().nullable().describe('Why it cannot be called; null if it can.'),
});
export type ToolInfo = z.output<typeof ToolInfo>;
