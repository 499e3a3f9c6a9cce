import type { CallOutcome } from '../../src/calls/execute.ts';
import type { Major } from '../../src/postgres/version.ts';
import { tools } from '../../src/tools/all-tools.ts';
import type { Login } from '../postgres/platform.ts';

/** What a tool cannot do without, and what keeps one from taking its time. */
const INPUTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  describe_table: { table: 'Order' },
  query: { sql: 'select 1 as one' },
  // which every login may read
  sample_rows: { table: 'pg_catalog.pg_am' },
  explain_query: { sql: 'select 1' },
  sample_wait_events: { seconds: 0.5, interval_ms: 50 },
  command_progress: { interval_ms: 100 },
  wal_status: { interval_ms: 100 },
};

export function inputFor(tool: string): Readonly<Record<string, unknown>> {
  return INPUTS[tool] ?? {};
}

/** The first major that has what these are about. */
const SINCE: Readonly<Record<string, Major>> = {
  asynchronous_io: 18,
  backend_io: 18,
  replication_slot_statistics: 14,
  slru_statistics: 13,
  wal_statistics: 14,
  wal_summarizer: 17,
};

/** Whether a tool has nothing to tell of the fixture: of an older version, without an extension or a pooler, or to this login. */
export function isUnsupported(tool: string, major: Major, login: Login): boolean {
  if (tool === 'hba_rules') return login !== 'superuser';
  return tool === 'recent_statements' || tool.startsWith('pgbouncer_') || major < (SINCE[tool] ?? 0);
}

/** What is listed where no server has a pooler, by name. */
export const LISTED = tools
  .filter(({ area }) => area !== 'pgbouncer')
  .map(({ name }) => name)
  .toSorted();

/** Whether it answered, or said in words why this server cannot: of an older version, without an extension or a pooler. */
export function isAnswer(outcome: CallOutcome): boolean {
  return outcome.ok || (outcome.error.code === 'UNSUPPORTED' && outcome.error.message.length > 20);
}
