import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import { byServerVersion, definePart, param, readParts, sql, statementsOf, type NotExamined } from '../kit/index.ts';
import { connections } from '../server/connections.ts';
import { markServer, type Budget } from './budget.ts';
import type { RoomRow } from './setting-row.ts';

/** A pid alone could be that of a session on another server. */
const known = definePart({
  what: 'which sessions of the poolers are on this server',
  row: { pid: z.int() },
  sql: byServerVersion({
    12: sql`
      select a.pid
        from rows from (pg_catalog.unnest(${param('pids')}::integer[]), pg_catalog.unnest(${param('databases')}::text[])) as s (pid, database)
        join pg_catalog.pg_stat_activity a on a.pid = s.pid and a.datname = s.database`,
  }),
});

const PARTS = { connections, known };

export const serverStatements = statementsOf(PARTS);

const NO_SERVER: ReadonlySet<string> = new Set(['SERVER_UNREACHABLE', 'TIMEOUT']);

export interface Asked {
  readonly budgets: readonly Budget[];
  readonly room: RoomRow | undefined;
  readonly gaps: readonly NotExamined[];
}

/** What poolers tell of a server that has no room left for us, or hangs, is told without it. */
export async function askServer(target: ReachedDatabase, budgets: readonly Budget[]): Promise<Asked> {
  const sessions = budgets.flatMap((budget) => budget.sessions);
  const values = { pids: sessions.map(({ pid }) => pid), databases: sessions.map(({ database }) => database) };
  try {
    const { parts, unreadable } = await readParts(target, PARTS, values);
    const marked = markServer(budgets, new Set(parts.known.map(({ pid }) => pid)));
    return { budgets: marked, room: parts.connections[0], gaps: [...unreadable, ...unmarked(marked)] };
  } catch (error) {
    if (!(error instanceof PlatformError) || !NO_SERVER.has(error.code)) throw error;
    const { message, hint } = error;
    const gap = {
      what: 'how many connections the server has',
      reason: message,
      ...(hint !== undefined && { remedy: hint }),
    };
    return { budgets, room: undefined, gaps: [gap] };
  }
}

function unmarked(budgets: readonly Budget[]): NotExamined[] {
  const unknown = budgets.filter(({ this_server }) => this_server === null).length;
  if (unknown === 0) return [];
  return [
    {
      what: `whether ${unknown} ${unknown === 1 ? 'address' : 'addresses'} of the poolers lead to this server`,
      reason: 'The server has no session of theirs, by which it could be known.',
    },
  ];
}
