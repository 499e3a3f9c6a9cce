import { z } from 'zod';
import {
  byServerVersion,
  countedSince,
  definePart,
  defineTool,
  limitInput,
  matchesName,
  nameInput,
  param,
  percentOf,
  readParts,
  schemaInput,
  sql,
  statementsOf,
  type Sql,
} from '../kit/index.ts';
import { aboutFunctions, functionRow } from './function-row.ts';
import { judgeFunctions, notTracked } from './judge-functions.ts';

const ms = (value: Sql) => sql`pg_catalog.round((${value})::numeric, 3)`;

const functions = definePart({
  what: 'functions',
  row: { ...functionRow, total_rows: z.int().min(0) },
  sql: byServerVersion({
    12: sql`
      with counted as (
        select f.*, pg_catalog.sum(f.self_time) over () as all_self
          from pg_catalog.pg_stat_user_functions f
         where f.calls > 0
      ),
      page as (
        select c.*, pg_catalog.count(*) over () as total_rows,
               pg_catalog.row_number() over (
                 order by case ${param('order_by')}::text
                            when 'self_time' then c.self_time
                            when 'total_time' then c.total_time
                            when 'mean_time' then c.total_time / c.calls
                            when 'calls' then c.calls
                          end desc, c.schemaname, c.funcname, c.funcid) as place
          from counted c
         where (${param('schema')}::text is null or c.schemaname = ${param('schema')}::text)
           and ${matchesName(sql`c.funcname`, param('name'))}
         order by place
         limit ${param('limit')}
      )
      select p.schemaname as schema, p.funcname as function, pg_catalog.pg_get_function_identity_arguments(p.funcid) as arguments,
             l.lanname as language, p.calls, ${ms(sql`p.total_time`)} as total_ms, ${ms(sql`p.self_time`)} as self_ms,
             ${ms(sql`p.total_time / p.calls`)} as mean_ms, ${ms(sql`p.self_time / p.calls`)} as mean_self_ms,
             ${percentOf(sql`p.self_time`, sql`p.all_self`)} as self_percent, p.total_rows
        from page p
        join pg_catalog.pg_proc f on f.oid = p.funcid
        join pg_catalog.pg_language l on l.oid = f.prolang
       order by p.place`,
  }),
});

const counting = definePart({
  what: 'since when functions are counted',
  row: aboutFunctions,
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('track_functions') as track_functions, c.counted_since
        from ${countedSince} c`,
  }),
});

const PARTS = { functions, counting };
const row = z.object(functionRow);

export default defineTool({
  name: 'function_statistics',
  area: 'statements',
  title: 'Functions',
  description: 'Calls of functions and procedures: total, own and mean time, share.',
  alsoKnownAs: { get_user_functions_stats: { database_name: 'database' } },
  input: {
    schema: schemaInput,
    name: nameInput,
    order_by: z.enum(['self_time', 'total_time', 'mean_time', 'calls']).default('self_time'),
    limit: limitInput(),
  },
  seldom: ['name', 'order_by'],
  thresholds: {
    slow_ms: z.number().min(0).default(1000).describe('Report functions whose own mean time is higher.'),
  },
  output: {
    about: counting.shape.nullable(),
    rows: z.array(row),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ schema = null, name = null, order_by, limit, slow_ms }, target) {
    const values = { schema, name, order_by, limit: limit + 1 };
    const { facts, parts, unreadable } = await readParts(target, PARTS, values);
    const rows = parts.functions.slice(0, limit).map((each) => row.parse(each));
    const [about = null] = parts.counting;
    return {
      about,
      rows,
      truncated: parts.functions.length > limit,
      total: parts.functions[0]?.total_rows ?? 0,
      facts,
      findings: judgeFunctions(rows, slow_ms),
      not_examined: [...unreadable, ...(about ? notTracked(about, facts) : [])],
    };
  },
});
