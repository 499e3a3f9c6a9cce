import type { ReachedDatabase, ReachedPooler } from '../../calls/context.ts';
import type { NotExamined } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { CONSOLE_COMMANDS, type ConsoleSession, type ConsoleView } from '../../postgres/console.ts';
import type { ToolStatement } from './tool.ts';

/** What was read of each pooler that could be asked, in their order. */
export interface ReadPoolers<T> {
  readonly read: readonly T[];
  /** One line for each that could not. */
  readonly unreadable: readonly NotExamined[];
}

/**
 * Asks all poolers of the server, or the one of that name, at once. Fails with UNSUPPORTED where none is configured,
 * with NOT_FOUND where none has the name, and with the failure of the first when no pooler could be asked.
 */
export async function readPoolers<T>(
  { server, poolers }: ReachedDatabase,
  named: string | undefined,
  read: (session: ConsoleSession, pooler: ReachedPooler) => Promise<T>,
): Promise<ReadPoolers<T>> {
  if (poolers.length === 0) throw noPooler(server.name);
  const asked = named === undefined ? poolers : poolers.filter(({ name }) => name === named);
  if (asked.length === 0) throw unknownPooler(named ?? '', poolers);
  const outcomes = await Promise.all(asked.map((pooler) => attempt(pooler, read)));
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  if (failures[0] && failures.length === outcomes.length) throw noneAsked(failures[0]);
  return {
    read: outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : [])),
    unreadable: failures.map(({ name, error: { message, hint } }) => {
      return { what: `the PgBouncer "${name}"`, reason: message, ...(hint !== undefined && { remedy: hint }) };
    }),
  };
}

/** The commands of a tool, for the reference and the tests. */
export function commandsOf(...views: readonly ConsoleView[]): readonly ToolStatement[] {
  return views.map((view) => ({
    since: `PgBouncer ${SINCE[view] ?? '1.16'}`,
    text: CONSOLE_COMMANDS[view],
    params: [],
  }));
}

/** Of views that the oldest supported PgBouncer lacks. */
export const SINCE: Partial<Readonly<Record<ConsoleView, string>>> = { state: '1.19' };

/** Failures that leave the other poolers to be asked. */
const OF_ONE_POOLER: ReadonlySet<string> = new Set(['SERVER_UNREACHABLE', 'QUERY_FAILED', 'CONFIG_INVALID']);

interface Failure {
  readonly name: string;
  readonly error: PlatformError;
}

async function attempt<T>(
  pooler: ReachedPooler,
  read: (session: ConsoleSession, pooler: ReachedPooler) => Promise<T>,
): Promise<{ readonly value: T } | Failure> {
  try {
    return { value: await pooler.read((session) => read(session, pooler)) };
  } catch (error) {
    if (!(error instanceof PlatformError) || !OF_ONE_POOLER.has(error.code)) throw error;
    return { name: pooler.name, error };
  }
}

function noneAsked({ name, error: { code, message, hint, details, cause } }: Failure): PlatformError {
  return new PlatformError(code, `The PgBouncer "${name}" cannot be asked: ${message}`, { hint, details, cause });
}

/** `not_applicable`: there is nothing to examine, so that a health check need not say that it was not. */
function noPooler(server: string): PlatformError {
  return new PlatformError('UNSUPPORTED', `No PgBouncer is configured for the server "${server}".`, {
    hint: `If one stands before it, name its admin console in the configuration: servers.${server}.pgbouncer.main.url, such as postgresql://stats@pooler:6432/pgbouncer, as a user of its stats_users.`,
    details: { not_applicable: true },
  });
}

function unknownPooler(named: string, poolers: readonly ReachedPooler[]): PlatformError {
  const names = poolers.map(({ name }) => name);
  const near = nearest(named, names);
  const all = `Poolers: ${names.join(', ')}.`;
  return new PlatformError('NOT_FOUND', `The server has no pooler named ${JSON.stringify(named.slice(0, 100))}.`, {
    hint: near === undefined ? all : `Did you mean "${near}"? ${all}`,
  });
}
