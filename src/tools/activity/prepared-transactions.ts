import { z } from 'zod';
import { lockSessions } from '../locks/lock-session.ts';
import {
  closedLast,
  byServerVersion,
  definePart,
  defineTool,
  param,
  readParts,
  secondsSince,
  sql,
  statementsOf,
  tellWithheld,
  type NotExamined,
} from '../kit/index.ts';
import { judgePrepared } from '../server/replication.ts';
import { blocking, readQueues } from './blocked-by-transaction.ts';
import { heldColumns, heldLocks, heldLocksOf } from './held-locks.ts';
import { notAsked } from './judge-activity.ts';
import { judgePlaces, places } from './prepared-places.ts';

const prepared = definePart({
  what: 'prepared transactions',
  row: {
    gid: z.string().meta({ names: 'text' }),
    owner: z.string(),
    database: z.string().meta({ names: 'database' }),
    prepared_at: z.iso.datetime(),
    age_s: z.number().nullable().meta({ unit: 's' }),
    xmin_age: z.int().describe('Transactions since: VACUUM keeps what they deleted.'),
    ...heldLocks,
  },
  sql: byServerVersion({
    12: sql`
      with ${heldLocksOf}
      select p.gid, p.owner, p.database, p.prepared as prepared_at, ${secondsSince(sql`p.prepared`)} as age_s,
             pg_catalog.age(p.transaction) as xmin_age, ${heldColumns(sql`p.lock_owner`)}
        from prepared p
        left join held h on h.lock_owner = p.lock_owner
       order by ${closedLast(sql`p.database`)}, p.prepared, p.gid
       limit ${param('limit')}`,
  }),
});

const PARTS = { prepared, places };

export default defineTool({
  name: 'prepared_transactions',
  area: 'activity',
  title: 'Prepared transactions',
  description: 'Transactions prepared for two-phase commit: owner, age, xmin age, locks, and whom they block.',
  clusterWide: true,
  input: { limit: z.int().min(1).max(500).default(20) },
  thresholds: {
    // what PostgreSQL itself takes for long: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-DEADLOCK-TIMEOUT
    min_wait_s: z.number().min(0).default(1).describe('Blocking is urgent once somebody has waited for longer.'),
    long_transaction_s: z.number().min(0).default(600).describe('Warn of those that were prepared longer ago.'),
  },
  output: {
    about: places.shape.nullable(),
    rows: z.array(prepared.shape.extend(blocking)).describe('The oldest first.'),
    truncated: z.boolean(),
  },
  statements: statementsOf({ ...PARTS, lockSessions }),
  async run({ limit, min_wait_s, long_transaction_s }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 });
    const shown = parts.prepared.slice(0, limit).map((row) => ({ ...row, pid: 0 }));
    const queues = await readQueues(target, min_wait_s);
    return {
      about: parts.places[0] ?? null,
      rows: shown.map(({ pid, ...row }) => ({ ...row, ...queues.behind({ pid, gid: row.gid }) })),
      truncated: parts.prepared.length > limit,
      facts,
      findings: [
        ...queues.judge(shown),
        ...judgePrepared(
          shown.filter((row) => !queues.isUrgent(row)),
          long_transaction_s,
        ),
        ...judgePlaces(parts.places[0], facts.service),
      ],
      not_examined: [
        ...tellWithheld(withheld.get(prepared.what) ?? 0, persona.name),
        ...unreadable,
        ...notAsked(queues.about),
        ...(facts.inRecovery ? [PREPARED_ON_PRIMARY] : []),
      ],
    };
  },
});

const PREPARED_ON_PRIMARY: NotExamined = {
  what: 'transactions that are prepared on the primary',
  reason: 'This server is a standby, which shows them when it is promoted.',
  remedy: 'Ask the primary.',
};
