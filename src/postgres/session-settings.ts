import type { ReadOnlyOptions, Result } from './database.ts';
import { compile, sql } from './sql.ts';
import type { Step } from './wire.ts';

/** What the settings of one transaction depend on. */
export interface TransactionOptions extends Pick<ReadOnlyOptions, 'isolation' | 'lockTimeoutMs' | 'applicationName'> {
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
         pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
         pg_catalog.set_config('standard_conforming_strings', 'on', true),
         pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
         pg_catalog.set_config('IntervalStyle', 'iso_8601', true),
         pg_catalog.set_config('TimeZone', 'UTC', true),
         pg_catalog.set_config('bytea_output', 'hex', true),
         pg_catalog.set_config('extra_float_digits', '1', true),
         pg_catalog.set_config('jit', 'off', true),
         pg_catalog.set_config('statement_timeout', $1, true),
         pg_catalog.set_config('lock_timeout', $2, true),
         pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true),
         pg_catalog.set_config('application_name', $4, true)`;

const SETTINGS = compile(settings).text;
/** transaction_timeout came with PostgreSQL 17. */
const SETTINGS_17 = compile(sql`${settings}, pg_catalog.set_config('transaction_timeout', $3, true)`).text;
const STATEMENT_TIMEOUT = "SELECT pg_catalog.set_config('statement_timeout', $1, true)";

/** What opens a transaction; sent in front of its first statement. `isRecovering` reads the answer. */
export function openingSteps(options: TransactionOptions): [begin: Step, settings: Step] {
  const remainingMs = wholeMs(options.remainingMs);
  const lockTimeoutMs = Math.min(wholeMs(options.lockTimeoutMs), remainingMs);
  const values = [remainingMs, lockTimeoutMs, remainingMs + FORGOTTEN_AFTER_MS].map(String);
  return [
    BEGIN[options.isolation],
    { text: options.major >= 17 ? SETTINGS_17 : SETTINGS, values: [...values, options.applicationName] },
  ];
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
