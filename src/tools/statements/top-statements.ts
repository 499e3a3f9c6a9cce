import { z } from 'zod';
import {
  closedLast,
  byExtensionVersion,
  defineDiagnostic,
  percentOf,
  sql,
  statementLength,
  type Param,
  type Sql,
} from '../kit/index.ts';
import { COLUMNS, countingSettings, EXTENSION, statementsFrom, textOf, type Columns } from './columns.ts';
import { judgeStatements } from './judge-statements.ts';
import { notRecorded } from './not-recorded.ts';
import { aboutStatements, statementRow } from './statement-row.ts';

export default defineDiagnostic({
  name: 'top_statements',
  area: 'statements',
  title: 'Top statements',
  description:
    'Statements that cost most: time, calls, I/O, temporary files, WAL, planning, JIT. Needs pg_stat_statements.',
  // its database_name chose where to connect, and so does ours
  alsoKnownAs: { get_pg_stat_statements_top_queries: { database_name: 'database' } },
  input: {
    order_by: z
      .enum(['total_time', 'mean_time', 'calls', 'rows', 'io', 'temp', 'wal', 'planning', 'jit'])
      .default('total_time'),
    of_database: z.string().min(1).max(63).optional(),
    user: z.string().min(1).max(63).optional(),
    min_calls: z.int().min(1).default(1),
    top_level: z.boolean().default(false).describe('Leave out statements that functions ran.'),
    statement_length: statementLength,
  },
  seldom: ['min_calls', 'top_level'],
  thresholds: {
    dominating_percent: z
      .number()
      .min(0)
      .max(100)
      .default(30)
      .describe('Report a statement with this share of all time.'),
    min_total_ms: z.number().min(0).default(60_000).describe('Only if it took as long altogether.'),
    min_hit_percent: z.number().min(0).max(100).default(90).describe('Report heavy readers with fewer cache hits.'),
    slow_ms: z.number().min(0).default(1000).describe('Report statements whose mean is higher.'),
  },
  charts: [{ label: ['statement'], values: ['total_ms'] }],
  row: statementRow,
  about: aboutStatements,
  defaultLimit: 15,
  counted: true,
  sql: (params) => {
    const top = (columns: Columns) => sql`
      with tracked as materialized (${tracked(columns, params.read_texts)}
      ),
      totals as materialized (
        select pg_catalog.count(*) as tracked,
               -- the time of a statement within another is in the time of that one
               pg_catalog.sum(t.total_ms) filter (where t.top_level is distinct from false) as all_ms
          from tracked t
      ),
      settings as materialized (${countingSettings}
      )
      select s.query_id, s.statement, s.database, s.user, s.calls,
             ${ms(sql`s.total_ms`)} as total_ms, ${ms(sql`s.mean_ms`)} as mean_ms, ${ms(sql`s.max_ms`)} as max_ms,
             ${percentOf(sql`s.total_ms`, sql`t.all_ms`)} as total_percent, s.rows,
             ${percentOf(sql`s.shared_hit`, sql`(s.shared_hit + s.shared_read)`)} as hit_percent,
             s.blocks_read * o.block_size as read_size, s.temp_blocks * o.block_size as temp_size, s.wal_size,
             case when o.track_io_timing or s.io_ms > 0 then ${ms(sql`s.io_ms`)} end as io_ms,
             case when o.track_io_timing or s.temp_io_ms > 0 then ${ms(sql`s.temp_io_ms`)} end as temp_io_ms,
             case when o.track_planning or s.plans > 0 then s.plans end as plans,
             case when o.track_planning or s.plans > 0 then ${ms(sql`s.planning_ms`)} end as planning_ms,
             ${ms(sql`s.jit_ms`)} as jit_ms, s.top_level,
             ${columns.statsReset} as since, t.tracked, ${columns.evictions} as evictions, ${ms(sql`t.all_ms`)} as all_ms,
             o.extension_version, o.max_tracked, o.track, o.track_planning, o.track_io_timing, ${params.read_texts}::boolean as texts_read,
             pg_catalog.count(*) over () as total_rows
        from tracked s
       cross join totals t
       cross join settings o
       where s.calls >= ${params.min_calls}::bigint
         and (${params.of_database}::text is null or s.database = ${params.of_database}::text)
         and (${params.user}::text is null or s.user = ${params.user}::text)
         and (not ${params.top_level}::boolean or s.top_level is distinct from false)
       order by ${closedLast(sql`s.database`)}, case ${params.order_by}::text
                  when 'mean_time' then s.mean_ms
                  when 'calls' then s.calls
                  when 'rows' then s.rows
                  when 'io' then s.blocks_read
                  when 'temp' then s.temp_blocks
                  when 'wal' then s.wal_size
                  when 'planning' then s.planning_ms
                  when 'jit' then s.jit_ms
                end desc nulls last, s.total_ms desc, s.query_id
       limit ${params.limit}`;
    return byExtensionVersion(EXTENSION, {
      '1.4': top(COLUMNS['1.4']),
      '1.8': top(COLUMNS['1.8']),
      '1.9': top(COLUMNS['1.9']),
      '1.10': top(COLUMNS['1.10']),
      '1.11': top(COLUMNS['1.11']),
    });
  },
  sees: [{ what: 'ids and texts of other roles’ statements', privilege: 'pg_read_all_stats' }],
  findings: judgeStatements,
  notExamined: (_, { about, ...asked }) => (about ? notRecorded(about, asked) : []),
});

/** It counts the whole server, whatever database it is asked in. */
function tracked(columns: Columns, texts: Param): Sql {
  return sql`
        select s.queryid::text as query_id,
               pg_catalog.left(${textOf(sql`s.query`)}, 10000) as statement,
               coalesce(d.datname::text, s.dbid::text) as database, pg_catalog.pg_get_userbyid(s.userid)::text as user,
               s.calls, s.rows, ${columns.totalMs} as total_ms, ${columns.meanMs} as mean_ms, ${columns.maxMs} as max_ms,
               s.shared_blks_hit as shared_hit, s.shared_blks_read as shared_read,
               s.shared_blks_read + s.local_blks_read as blocks_read,
               s.temp_blks_read + s.temp_blks_written as temp_blocks, ${columns.walBytes}::bigint as wal_size,
               ${columns.ioMs} as io_ms, ${columns.tempIoMs} as temp_io_ms,
               ${columns.plans} as plans, ${columns.planningMs} as planning_ms,
               ${columns.jitMs} as jit_ms, ${columns.topLevel} as top_level
          from ${statementsFrom(texts)} s
          left join pg_catalog.pg_database d on d.oid = s.dbid`;
}

function ms(value: Sql): Sql {
  return sql`pg_catalog.round((${value})::numeric, 3)`;
}
