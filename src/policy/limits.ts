import type { PersonaSpec } from '../contract/persona.ts';
import type { CompiledLimits } from './policy.ts';

const BYTES = { B: 1, kB: 1e3, KiB: 2 ** 10, MB: 1e6, MiB: 2 ** 20, GB: 1e9, GiB: 2 ** 30 };
const MILLISECONDS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** More than this would not be a bound: an answer is built in memory, and a client has long given up. */
const MOST = { bytes: 2 ** 30, timeoutMs: 24 * MILLISECONDS.h };

export const DEFAULT_LIMITS: CompiledLimits = {
  rows: 1000,
  bytes: 2 ** 20,
  timeoutMs: 15_000,
  callsPerMinute: 120,
  concurrent: 4,
  outputTokens: Infinity,
  rowsPerDay: Infinity,
  planCost: Infinity,
};

/** Limits as numbers, defaults filled in. */
export function compileLimits(limits: PersonaSpec['limits']): CompiledLimits {
  const { rows, bytes, statement_timeout: timeout, calls_per_minute: callsPerMinute, concurrent } = limits;
  return {
    rows: rows ?? DEFAULT_LIMITS.rows,
    bytes: bytes === undefined ? DEFAULT_LIMITS.bytes : toNumber(bytes, BYTES),
    timeoutMs: timeout === undefined ? DEFAULT_LIMITS.timeoutMs : toNumber(timeout, MILLISECONDS),
    callsPerMinute: callsPerMinute ?? DEFAULT_LIMITS.callsPerMinute,
    concurrent: concurrent ?? DEFAULT_LIMITS.concurrent,
    outputTokens: limits.output_tokens ?? DEFAULT_LIMITS.outputTokens,
    rowsPerDay: limits.rows_per_day ?? DEFAULT_LIMITS.rowsPerDay,
    planCost: limits.plan_cost ?? DEFAULT_LIMITS.planCost,
  };
}

/** What is wrong with limits that are in the right form; `path` is the key below `limits`. */
export function findLimitProblems({ bytes, timeoutMs }: CompiledLimits): { path: string; message: string }[] {
  const problems = [];
  if (!(bytes >= 1 && bytes <= MOST.bytes)) problems.push({ path: 'bytes', message: 'must be from 1B to 1GiB' });
  if (!(timeoutMs >= 1 && timeoutMs <= MOST.timeoutMs)) {
    problems.push({ path: 'statement_timeout', message: 'must be from 1ms to 24h' });
  }
  return problems;
}

/** NaN for what is not a number and a unit. */
function toNumber(quantity: string | number, units: Readonly<Record<string, number>>): number {
  if (typeof quantity === 'number') return quantity;
  const [, number = '', unit = ''] = /^([\d.]+)\s*(\w+)$/.exec(quantity) ?? [];
  return Math.floor(Number(number || NaN) * (units[unit] ?? NaN));
}
