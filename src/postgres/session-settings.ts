import type { ReadOnlyOptions, Result } from './database.ts';
import { compile, quoteIdentifier, sql } from './sql.ts';
import type { Step } from './wire.ts';

/** What the settings of one transaction depend on. */
export interface TransactionOptions extends Pick<
  ReadOnlyOptions,
  'isolation' | 'lockTimeoutMs' | 'applicationName' | 'foreignPath'
> {
  readonly major: number;
  /** What the call may still take. */
  readonly remainingMs: number;
}

/** How long after the deadline of a call the server ends a transaction that we have not ended, as when we were killed. */
const FORGOTTEN_AFTER_MS = 5000;

const BEGIN: Readonly<Record<ReadOnlyOptions['isolation'], Step>> = {
  'read committed': { text: 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY', values: [] },
  'repeatable read': { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', values: [] },
};

export const ROLLBACK: Step = { text: 'ROLLBACK', values: [] };

/**
 * For the transaction only, and by one SELECT: a SET with a value in it would be a new entry of pg_stat_statements each
 * time. Temporary objects come last, so that none is found before one of the catalog; intervals are ISO 8601 (P1DT2H),
 * which no setting of a role can make ambiguous. Compiling a statement over the catalog takes longer than running it.
 */
const settings = sql`
  SELECT pg_catalog.pg_is_in_recovery(),
         pg_catalog.set_config('standard_conforming_strings', 'on', true),
         pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
         pg_catalog.set_config('IntervalStyle', 'iso_8601', true),
         pg_catalog.set_config('TimeZone', 'UTC', true),
         pg_catalog.set_config('bytea_output', 'hex', true),
         pg_catalog.set_config('extra_float_digits', '1', true),
         pg_catalog.set_config('statement_timeout', $1, true),
         pg_catalog.set_config('lock_timeout', $2, true),
         pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true),
         pg_catalog.set_config('application_name', $4, true)`;

/** For what we wrote, and for what we did not: that is planned and compiled as the server is set up to. */
const ours = sql`pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('jit', 'off', true)`;
const foreign = sql`pg_catalog.set_config('search_path', $5, true)`;
/** Came with PostgreSQL 17. */
const whole = sql`pg_catalog.set_config('transaction_timeout', $3, true)`;

const SETTINGS = [sql`${settings}, ${ours}`, sql`${settings}, ${foreign}`].map((all) => ({
  text: compile(all).text,
  since17: compile(sql`${all}, ${whole}`).text,
}));
const SETTING = 'SELECT pg_catalog.set_config($1, $2, true)';
const STATEMENT_TIMEOUT = "SELECT pg_catalog.set_config('statement_timeout', $1, true)";

/** What opens a transaction; sent in front of its first statement. `isRecovering` reads the answer. */
export function openingSteps(options: TransactionOptions): [begin: Step, settings: Step] {
  const remainingMs = wholeMs(options.remainingMs);
  const lockTimeoutMs = Math.min(wholeMs(options.lockTimeoutMs), remainingMs);
  const values = [remainingMs, lockTimeoutMs, remainingMs + FORGOTTEN_AFTER_MS].map(String);
  const { major, isolation, applicationName, foreignPath } = options;
  const { text = '', since17 = '' } = SETTINGS[foreignPath === undefined ? 0 : 1] ?? {};
  const path = foreignPath === undefined ? [] : [searchPath(foreignPath)];
  return [BEGIN[isolation], { text: major >= 17 ? since17 : text, values: [...values, applicationName, ...path] }];
}

/** What the path is that names of a statement are looked up in which we did not write. */
export function foreignPath(schemas: readonly string[]): readonly string[] {
  const others = schemas.filter((schema) => schema !== 'pg_catalog' && schema !== 'pg_temp');
  return ['pg_catalog', ...others, 'pg_temp'];
}

function searchPath(schemas: readonly string[]): string {
  return foreignPath(schemas).map(quoteIdentifier).join(', ');
}

/**
 * What a statement that we did not write may have left in the session, taken back; sent behind the end of its
 * transaction, where names are looked up in the path of the role: nothing here is looked up.
 */
export const RESETS: readonly Step[] = [
  'RESET ALL',
  // what a pooler that keeps sessions may have set for us
  "SET client_encoding TO 'UTF8'",
  'UNLISTEN *',
  'SELECT pg_catalog.pg_advisory_unlock_all()',
  'DEALLOCATE ALL',
].map((text) => ({ text, values: [] }));

/** Statements in a transaction of their own, in which names are looked up in the catalog alone. */
export function inCatalog(steps: readonly Step[]): Step[] {
  const path = { text: "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)", values: [] };
  return [BEGIN['read committed'], path, ...steps, ROLLBACK];
}

/** Settings of one transaction whose values must be in no text. */
export function settingSteps(settings: Readonly<Record<string, string>>): Step[] {
  return Object.entries(settings).map((values) => ({ text: SETTING, values }));
}

/** Whether the server is a standby now; it may have been promoted since the connection was made. */
export function isRecovering([, settingsResult]: readonly Result[]): boolean {
  return settingsResult?.rows[0]?.[0] === 't';
}

export function statementTimeoutStep(remainingMs: number): Step {
  return { text: STATEMENT_TIMEOUT, values: [String(wholeMs(remainingMs))] };
}

/** PostgreSQL counts whole milliseconds and takes 0 for no limit; its largest timeout is 2^31 − 1. */
function wholeMs(ms: number): number {
  return Math.min(Math.max(1, Math.ceil(ms)), 2_147_000_000);
}
