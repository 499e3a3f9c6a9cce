/** Short ways to the hot path for its tests. */
import { startDeadline, type Deadline } from '../src/core/deadline.ts';
import type { PlatformError } from '../src/core/errors.ts';
import type { Database, ReadOnlyOptions, ReadOnlySession } from '../src/postgres/database.ts';
import { decodeRows } from '../src/postgres/exact-values.ts';
import type { Statement } from '../src/postgres/sql.ts';
import { parseTarget, type ConnectionTarget } from '../src/postgres/target.ts';

export function targetOf(url: string, overrides: Partial<ConnectionTarget> = {}): ConnectionTarget {
  return { ...parseTarget(url, { env: { HOME: '/nonexistent' } }), ...overrides };
}

export function statement(text: string, ...params: string[]): Statement {
  return { text, params };
}

interface RunOptions extends Partial<Omit<ReadOnlyOptions, 'deadline'>> {
  readonly timeoutMs?: number;
  readonly caller?: AbortSignal;
}

/** One session with a deadline of its own, ten seconds unless said otherwise. */
export async function inSession<T>(
  database: Database,
  work: (session: ReadOnlySession, deadline: Deadline) => Promise<T>,
  { timeoutMs = 10_000, caller = new AbortController().signal, ...options }: RunOptions = {},
): Promise<T> {
  const deadline = startDeadline(timeoutMs, caller);
  const all = {
    deadline,
    applicationName: 'howdah test',
    isolation: 'read committed',
    lockTimeoutMs: 300,
    ...options,
  } as const;
  try {
    return await database.readOnly(all, (session) => work(session, deadline));
  } finally {
    deadline.clear();
  }
}

/** The rows of one statement in a session of its own. */
export function rowsOf(database: Database, text: string, options: RunOptions = {}): Promise<Record<string, unknown>[]> {
  return inSession(database, async (session) => decodeRows(await session.query(statement(text))), options);
}

/** What it failed with; fails itself when it did not. */
export async function failureOf(promise: Promise<unknown>): Promise<PlatformError> {
  try {
    await promise;
  } catch (error) {
    return error as PlatformError;
  }
  throw new Error('It should have failed, and did not.');
}

/** The server process behind the connection that is used next. */
export async function pidOf(database: Database, timeoutMs = 10_000): Promise<number> {
  const [row] = await rowsOf(database, 'select pg_backend_pid() as pid', { timeoutMs });
  return Number(row?.['pid']);
}
