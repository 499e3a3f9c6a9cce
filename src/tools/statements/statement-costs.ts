import { z } from 'zod';
import { byExtensionVersion, byServerVersion, definePart, param, sql, type RowOf } from '../kit/index.ts';
import { COLUMNS, countingSettings, EXTENSION, statementsFrom, textOf, type Columns } from './columns.ts';
import { costs } from './load-row.ts';
import { aboutCounting } from './statement-row.ts';

/** The first word behind white space, comments and parentheses. */
const FIRST_WORD = sql`'^(?:\\s|--[^\\n]*\\n|/\\*(?:[^*]|\\*+[^*/])*\\*+/|\\()*([A-Za-z]+)'`;

/** A statement within another is in the counters of that one, too. */
const load = (columns: Columns) => sql`
      with counted as (
        select s.dbid, case when ${param('by_role')}::boolean then s.userid end as userid,
               pg_catalog.lower(pg_catalog.substring(pg_catalog.left(${textOf(sql`s.query`)}, 2000), ${FIRST_WORD})) as word,
               s.calls, s.rows, ${columns.totalMs} as total_ms, s.shared_blks_read + s.local_blks_read as blocks_read,
               s.temp_blks_read + s.temp_blks_written as temp_blocks, ${columns.walBytes}::numeric as wal_size,
               ${columns.plans} as plans, ${columns.planningMs} as planning_ms, ${columns.jitMs} as jit_ms
          from ${statementsFrom(param('read_texts'))} s
         where ${columns.topLevel} is distinct from false
      )
      select coalesce(d.datname::text, c.dbid::text) as database, pg_catalog.pg_get_userbyid(c.userid)::text as user, c.word,
             pg_catalog.count(*) as statements, pg_catalog.sum(c.calls) as calls, pg_catalog.sum(c.total_ms) as total_ms,
             pg_catalog.sum(c.rows) as rows, pg_catalog.sum(c.blocks_read * o.block_size) as read_size,
             pg_catalog.sum(c.temp_blocks * o.block_size) as temp_size, pg_catalog.sum(c.wal_size) as wal_size,
             case when o.track_planning or pg_catalog.sum(c.plans) > 0 then pg_catalog.sum(c.planning_ms) end as planning_ms,
             pg_catalog.sum(c.jit_ms) as jit_ms
        from counted c
       cross join (${countingSettings}) o
        left join pg_catalog.pg_database d on d.oid = c.dbid
       group by c.dbid, d.datname, c.userid, c.word, o.track_planning`;

export const statementLoad = definePart({
  what: 'what statements cost',
  subject: 'statement_load',
  row: {
    database: z.string().meta({ names: 'database' }),
    user: z.string().nullable(),
    word: z.string().nullable(),
    statements: z.int().min(0),
    ...costs,
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.4': load(COLUMNS['1.4']),
    '1.8': load(COLUMNS['1.8']),
    '1.9': load(COLUMNS['1.9']),
    '1.10': load(COLUMNS['1.10']),
  }),
});
export type StatementLoad = RowOf<typeof statementLoad>;

export const jitCost = definePart({
  what: 'from which cost on statements are compiled',
  row: { jit_above_cost: z.number() },
  sql: byServerVersion({
    12: sql`select pg_catalog.current_setting('jit_above_cost')::double precision as jit_above_cost`,
  }),
});

const counting = (columns: Columns) => sql`
      select ${columns.statsReset} as since, (select pg_catalog.count(*) from ${statementsFrom(sql`false`)} s) as tracked,
             ${columns.evictions} as evictions, o.extension_version, o.max_tracked, o.track, o.track_planning, o.track_io_timing
        from (${countingSettings}) o`;

/** One row. */
export const statementCounting = definePart({
  what: 'since when statements are counted',
  subject: 'statement_load',
  row: aboutCounting,
  sql: byExtensionVersion(EXTENSION, { '1.4': counting(COLUMNS['1.4']), '1.9': counting(COLUMNS['1.9']) }),
});
