import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  defineTool,
  param,
  readParts,
  definePart,
  sql,
  statementsOf,
  tellWithheld,
} from '../kit/index.ts';
import { byConflicts, conflictCounts } from './conflict-counts.ts';
import { judgeConflicts } from './judge-conflicts.ts';

const conflictsOfDatabases = definePart({
  what: 'conflicts with replay',
  row: { ...conflictCounts, total: z.int().min(0), counted_since: z.iso.datetime().nullable() },
  sql: byConflicts(
    ({ columns, total }) => sql`
      select ${columns}, ${total} as total, s.stats_reset as counted_since
        from pg_catalog.pg_stat_database_conflicts c
        left join pg_catalog.pg_stat_database s on s.datid = c.datid
       order by ${closedLast(sql`c.datname`)}, total desc, c.datname
       limit ${param('limit')}`,
  ),
});

const delays = definePart({
  what: 'how long replay waits for queries',
  row: {
    standby: z.boolean(),
    hot_standby_feedback: z.boolean().describe('Whether the primary keeps rows that queries here may need.'),
    max_standby_streaming_delay: z.string().describe('-1 for ever.'),
    max_standby_archive_delay: z.string(),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('hot_standby_feedback')::boolean as hot_standby_feedback,
             pg_catalog.current_setting('max_standby_streaming_delay') as max_standby_streaming_delay,
             pg_catalog.current_setting('max_standby_archive_delay') as max_standby_archive_delay`,
  }),
});

const PARTS = { delays, conflictsOfDatabases };

const A_PRIMARY =
  'This server is a primary: only the replay of a standby cancels queries, so what is counted here is from a time as a standby.';

export default defineTool({
  name: 'recovery_conflicts',
  area: 'replication',
  title: 'Recovery conflicts',
  description: 'On a standby: queries that replay cancelled, by database and kind.',
  alsoKnownAs: { get_database_conflicts_stats: { database_name: 'database' } },
  clusterWide: true,
  input: { limit: z.int().min(1).max(500).default(20) },
  output: {
    note: z.string().nullable(),
    settings: delays.shape.nullable(),
    rows: z.array(conflictsOfDatabases.shape).describe('The most conflicts first.'),
    truncated: z.boolean(),
  },
  statements: statementsOf(PARTS),
  async run({ limit }, target, { persona }) {
    const { facts, parts, unreadable, withheld } = await readParts(target, PARTS, { limit: limit + 1 });
    const [settings] = parts.delays;
    const rows = parts.conflictsOfDatabases.slice(0, limit);
    return {
      note: settings?.standby === false ? A_PRIMARY : null,
      settings: settings ?? null,
      rows,
      truncated: parts.conflictsOfDatabases.length > limit,
      facts,
      findings: settings?.standby === true ? judgeConflicts(rows, { ...settings, service: facts.service }) : [],
      not_examined: [...tellWithheld(withheld.get(conflictsOfDatabases.what) ?? 0, persona.name), ...unreadable],
    };
  },
});
