import { z } from 'zod';
import { notAsked } from '../activity/judge-activity.ts';
import { aboutWaiters, STATES } from '../activity/session-row.ts';
import { defineTool, maskStatements, statementLength, statementsOf, tellWithheld } from '../kit/index.ts';
import { isPartial, judgeBlocking } from './judge-blocking.ts';
import { LOCK_MODES, LOCK_TYPES } from './lock-conflicts.ts';
import { lockSessions } from './lock-session.ts';
import { treeRow, type TreeRow } from './tree-row.ts';
import { visibleTrees } from './visible-trees.ts';

const wanted = z.string().min(1).max(63).optional();

export default defineTool({
  name: 'blocking_tree',
  area: 'locks',
  title: 'Who blocks whom',
  description: 'Sessions that wait for locks, as trees: root blockers, who waits behind them, for what, how long.',
  clusterWide: true,
  seldom: ['of_database', 'user', 'lock_type', 'mode', 'state'],
  input: {
    of_database: wanted.describe('Trees with a session of this database.'),
    user: wanted.describe('Trees with a session of this role.'),
    state: z.enum(STATES).optional(),
    lock_type: z.enum(LOCK_TYPES).optional().describe('Trees in which such a lock is waited for.'),
    mode: z.enum(LOCK_MODES).optional().describe('Trees in which it is wanted in this mode.'),
    statement_length: statementLength,
    limit: z.int().min(1).max(500).default(50),
  },
  thresholds: {
    // what PostgreSQL itself takes for long: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT
    min_wait_s: z.number().min(0).default(1).describe('Blocking is urgent once somebody has waited for longer.'),
  },
  output: {
    about: z.object(aboutWaiters),
    rows: z.array(z.object(treeRow)),
    truncated: z.boolean(),
    total: z.int().min(0).optional(),
  },
  sees: [{ what: 'states, times and statements of other roles’ sessions', privilege: 'pg_read_all_stats' }],
  statements: statementsOf({ lockSessions }),
  async run({ limit, min_wait_s, statement_length, ...filter }, target, { persona, statementTexts }) {
    const { facts, sessions } = await target.readOnly(async (session) => ({
      facts: session.facts,
      sessions: await lockSessions.read(session, {}),
    }));
    const mayShow = (database: string) => target.mayShow(database);
    const trees = visibleTrees(sessions, mayShow, (all) => treesWith(all, filter));
    const { rows: shown, about, withheld } = trees;
    const rows = shown.slice(0, limit);
    await maskStatements(rows, lockSessions.disclosure, { texts: statementTexts, length: statement_length });
    return {
      about,
      rows,
      truncated: shown.length > limit,
      ...(withheld === 0 && !isPartial(shown, about) && { total: shown.length }),
      facts,
      findings: judgeBlocking({ ...trees, min_wait_s }),
      not_examined: [...tellWithheld(withheld, persona.name), ...notAsked(about)],
    };
  },
});

interface Filter {
  readonly of_database?: string | undefined;
  readonly user?: string | undefined;
  readonly state?: string | undefined;
  readonly lock_type?: string | undefined;
  readonly mode?: string | undefined;
}

/** Whole trees, since half of one would blame the wrong session. */
function treesWith(rows: readonly TreeRow[], filter: Filter): TreeRow[] {
  const trees: TreeRow[][] = [];
  for (const row of rows) {
    if (row.depth === 0) trees.push([row]);
    else trees.at(-1)?.push(row);
  }
  return trees.filter((tree) => tree.some((row) => matches(row, filter))).flat();
}

function matches(row: TreeRow, { of_database, user, state, lock_type, mode }: Filter): boolean {
  const pairs = [
    [of_database, row.database],
    [user, row.user],
    [state, row.state],
    [lock_type, row.lock_type],
    [mode, row.lock_mode],
  ];
  return pairs.every(([given, value]) => given === undefined || given === value);
}
