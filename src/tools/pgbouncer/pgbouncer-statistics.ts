import { z } from 'zod';
import { commandsOf, defineTool, limitInput, readPoolers } from '../kit/index.ts';
import type { ReachedPooler } from '../../calls/context.ts';
import type { ConsoleSession } from '../../postgres/console.ts';
import { judgeStatistics } from './judge-statistics.ts';
import { poolerInput } from './pool-row.ts';
import { numberIn } from './pools.ts';
import { statisticsRow, type StatisticsRow } from './statistics-row.ts';
import { describeStatistics } from './statistics.ts';
import { createSight, readDatabases, readNamed, readRows } from './views.ts';

export default defineTool({
  name: 'pgbouncer_statistics',
  area: 'pgbouncer',
  title: 'PgBouncer statistics',
  description: 'Transactions, queries, bytes and waits by database: since the start, and lately.',
  clusterWide: true,
  input: { pooler: poolerInput, limit: limitInput() },
  seldom: ['pooler'],
  thresholds: {
    // https://www.pgbouncer.org/usage.html#show-stats
    max_avg_wait_ms: z.number().min(0).default(100).describe('Warn of databases whose clients wait for longer.'),
  },
  output: {
    rows: z.array(z.object(statisticsRow)).describe('The database with the longest waits first.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    poolers: z.array(
      z.object({
        pooler: z.string(),
        version: z.string(),
        stats_period: z.int().nullable().meta({ unit: 's' }).describe('What the averages are of.'),
      }),
    ),
  },
  statements: commandsOf('stats', 'databases', 'config'),
  async run({ pooler, limit, max_avg_wait_ms }, target, { persona }) {
    const { read, unreadable } = await readPoolers(target, pooler, (session, each) =>
      readStatistics(session, each, (database) => target.mayShow(database)),
    );
    const rows = read.flatMap((each) => each.rows).toSorted(byWait);
    return {
      rows: rows.slice(0, limit),
      truncated: rows.length > limit,
      total: rows.length,
      poolers: read.map((each) => each.pooler),
      facts: undefined,
      findings: judgeStatistics(rows, { max_avg_wait_ms }),
      not_examined: [...read.flatMap(({ sight }) => sight.told(persona.name)), ...unreadable],
    };
  },
});

async function readStatistics(
  session: ConsoleSession,
  { name }: ReachedPooler,
  mayShow: (database: string) => boolean,
) {
  const sight = createSight(await readDatabases(session), mayShow);
  const config = await readNamed(session, 'config', ['key', 'value']);
  const rows = sight.shown(await readRows(session, 'stats'), (row) => row.text('database'));
  return {
    pooler: { pooler: name, version: session.version, stats_period: numberIn(config, 'stats_period') },
    rows: rows.map((row): StatisticsRow => {
      const database = row.text('database') ?? '';
      return { pooler: name, database, server_database: sight.serverDatabase(database), ...describeStatistics(row) };
    }),
    sight,
  };
}

function byWait(a: StatisticsRow, b: StatisticsRow): number {
  return (
    (b.avg_waiting ?? 0) - (a.avg_waiting ?? 0) ||
    (b.total_wait_time ?? 0) - (a.total_wait_time ?? 0) ||
    (b.total_xact_count ?? 0) - (a.total_xact_count ?? 0)
  );
}
