import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  defineTool,
  percentOf,
  secondsSince,
  sql,
  statementsOf,
  tellWithheld,
  readShown,
  type Sql,
} from '../kit/index.ts';
import { judgeSlru } from './judge-slru.ts';
import { overflowedRow, slruRow } from './slru-row.ts';

const caches = (buffers: Sql) => sql`
      select s.name, s.blks_hit, s.blks_read, ${percentOf(sql`s.blks_hit`, sql`(s.blks_hit + s.blks_read)`)} as hit_percent,
             pg_catalog.round(s.blks_read / nullif(${secondsSince(sql`s.stats_reset`)}, 0), 2) as reads_per_s,
             s.blks_zeroed, s.blks_written, s.blks_exists, s.flushes, s.truncates, ${buffers} as buffers, s.stats_reset as counted_since
        from pg_catalog.pg_stat_slru s
       order by s.blks_read desc, s.blks_hit desc, s.name`;

const slru = definePart({
  what: 'caches of the states of transactions',
  subject: 'slru_statistics',
  instead: 'PostgreSQL 12 does not count what it reads of the states of transactions.',
  row: slruRow,
  sql: byServerVersion({
    13: caches(sql`null::integer`),
    17: caches(sql`(select o.setting::integer from pg_catalog.pg_settings o where o.name = s.name || '_buffers')`),
  }),
});

const COLUMNS = sql`a.pid, a.usename as user, a.datname as database, a.application_name as application`;

const overflowed = definePart({
  what: 'sessions with too many subtransactions',
  row: overflowedRow,
  sql: byServerVersion({
    13: sql`
      select ${COLUMNS}, 0 as subtransactions, null::numeric as transaction_s from pg_catalog.pg_stat_activity a where false`,
    16: sql`
      select ${COLUMNS}, s.subxact_count as subtransactions, ${secondsSince(sql`a.xact_start`)} as transaction_s
        from pg_catalog.pg_stat_get_backend_idset() b (id)
       cross join lateral pg_catalog.pg_stat_get_backend_subxact(b.id) s
        join pg_catalog.pg_stat_activity a on a.pid = pg_catalog.pg_stat_get_backend_pid(b.id)
       where s.subxact_overflowed
       order by ${closedLast(sql`a.datname`)}, a.xact_start nulls last, a.pid
       limit 100`,
  }),
});

const PARTS = { slru, overflowed };

export default defineTool({
  name: 'slru_statistics',
  area: 'io',
  title: 'Transaction status caches',
  description: 'SLRU caches (subtransactions, multixacts, commit status): hits, reads, sizes. PostgreSQL 13 on.',
  clusterWide: true,
  input: {},
  thresholds: {
    // each is a lookup of the operating system's cache at best, under a lock that others wait for
    min_reads_per_s: z.number().min(0).default(100).describe('Report caches that read more pages a second.'),
    min_hit_percent: z.number().min(0).max(100).default(99).describe('And find fewer of them.'),
  },
  sees: [{ what: 'transactions of other roles’ sessions', privilege: 'pg_read_all_stats' }],
  output: {
    rows: z.array(slru.shape),
    overflowed: z
      .array(overflowed.shape)
      .describe('Sessions with more subtransactions than a snapshot holds; PostgreSQL 16 on.'),
  },
  statements: statementsOf(PARTS),
  async run(input, target, { persona }) {
    const { facts, rows, sessions } = await target.readOnly(
      async (session) => ({
        facts: session.facts,
        rows: await slru.read(session, {}),
        sessions: await readShown(target, overflowed, session, {}),
      }),
      { snapshot: true },
    );
    const { rows: shown, withheld } = sessions;
    return {
      rows,
      overflowed: shown,
      facts,
      findings: judgeSlru(rows, { input, overflowed: shown, facts }),
      not_examined: [
        ...tellWithheld(withheld, persona.name, [overflowed.what]),
        ...(facts.major < 16 ? [NOT_YET] : []),
      ],
    };
  },
});

const NOT_YET = {
  what: 'sessions with too many subtransactions',
  reason: 'PostgreSQL tells which they are from 16 on.',
};
