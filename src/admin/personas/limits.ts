import { z } from 'zod';
import type { CompiledLimits } from '../../policy/policy.ts';

/** Limits under the names that the configuration has for them; what has no bound is left out. */
export const Limits = z.object({
  rows: z.number(),
  bytes: z.number(),
  statement_timeout_ms: z.number(),
  calls_per_minute: z.number(),
  concurrent: z.number(),
  output_tokens: z.number().optional(),
  rows_per_day: z.number().optional(),
  plan_cost: z.number().optional(),
});
type Limits = z.output<typeof Limits>;

export function describeLimits(limits: CompiledLimits): Limits {
  const { rows, bytes, timeoutMs, callsPerMinute, concurrent, outputTokens, rowsPerDay, planCost } = limits;
  return {
    rows,
    bytes,
    statement_timeout_ms: timeoutMs,
    calls_per_minute: callsPerMinute,
    concurrent,
    ...(outputTokens !== Infinity && { output_tokens: outputTokens }),
    ...(rowsPerDay !== Infinity && { rows_per_day: rowsPerDay }),
    ...(planCost !== Infinity && { plan_cost: planCost }),
  };
}
