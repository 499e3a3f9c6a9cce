import { z } from 'zod';
import type { ChartSpec } from '../../contract/chart.ts';
import type { Sees } from './privileges.ts';

/**
 * Inputs that many tools share, explained once in the instructions of the MCP server. What lists of tools leave out, as
 * every model pays for it in every conversation, is still an input.
 */
export const sharedInputs = {
  server: z.string().min(1).max(63).optional(),
  database: z.string().min(1).max(63).optional(),
} as const;

/** One schema, by its exact name. */
export const schemaInput = z.string().min(1).max(63).optional();

/** Part of a name, in any case, or a pattern with `*` and `?`; `namePattern` makes a LIKE pattern of it. */
export const nameInput = z.string().min(1).max(200).optional();

/** So many rows are shown in the text of an answer, too. */
const DEFAULT_LIMIT = 20;

export function limitInput(fallback = DEFAULT_LIMIT) {
  return z.int().min(1).max(500).default(fallback);
}

/** The input of tools whose rows hold statements. */
export const statementLength = z
  .int()
  .min(20)
  .max(10_000)
  .default(400)
  .describe('Characters that are shown of a statement.');

/** Seconds that a call may take unless the tool or the caller says otherwise: in an incident a late answer is none. */
const DEFAULT_TIMEOUT_S = 5;

/** Inputs that hardly any call needs, and `limit`, which the instructions of the server describe for all. */
const SELDOM: ReadonlySet<string> = new Set(['limit', 'statement_length', 'timeout_s']);

export const NO_THRESHOLDS = {};

/** What the declarations of both kinds of tools say of how they ask a server. */
export interface Reach {
  /** Inputs from where on `findings` report something. Lists of tools leave them out. */
  readonly thresholds?: z.ZodRawShape;
  /** Inputs of its own that hardly any call needs. Lists of tools leave them out, too. */
  readonly seldom?: readonly string[];
  /** The answer is the same in whichever database of the server it is asked. */
  readonly clusterWide?: boolean;
  /** Seconds that a call may take unless the caller says otherwise; 5 if left out. */
  readonly timeoutS?: number;
  /** Seconds that it waits between its looks with this input, for which a call is given more time. */
  readonly waitsS?: (input: Readonly<Record<string, unknown>>) => number;
  /** What a login without these rights does not see; the answer says so. */
  readonly sees?: readonly Sees[];
  /** How its rows read as bars. */
  readonly charts?: readonly ChartSpec[];
  /** False for what only lists, waits for a while or reads whole tables: a health check leaves it out. */
  readonly judges?: boolean;
  /** What it costs the server where that is more than a look at catalogs and counters, in a sentence. */
  readonly cost?: string | undefined;
}

/** The inputs of a tool that asks a server: its own, its thresholds, and those that it shares. */
export function inputOf({ thresholds, timeoutS, waitsS }: Reach, own: z.ZodRawShape): z.ZodObject {
  const timeout_s = z
    .number()
    .min(0.1)
    .max(600)
    .default(timeoutS ?? DEFAULT_TIMEOUT_S)
    .describe(`Seconds that the call may take${waitsS ? ' beside those that it waits' : ''}.`);
  return z.strictObject({ ...sharedInputs, ...own, ...thresholds, timeout_s });
}

/** Which of its inputs lists leave out. */
export function unlistedOf(
  { thresholds = {}, seldom = [], clusterWide = false }: Reach,
  input: z.ZodObject,
): readonly string[] {
  return Object.keys(input.shape).filter(
    (name) => name in thresholds || SELDOM.has(name) || seldom.includes(name) || (clusterWide && name === 'database'),
  );
}
