import { z } from 'zod';
import { byExtensionVersion, definePart, param, sql, type Sql } from '../../kit/index.ts';
import { countedSince } from '../../kit/index.ts';
import { COLUMNS, EXTENSION, statementsFrom, textOf, type Columns } from '../../statements/columns.ts';

const top = (columns: Columns): Sql => sql`
      with counted as materialized (
        select s.queryid, s.query, s.calls, ${columns.totalMs} as total_ms
          from ${statementsFrom(sql`true`)} s
         where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      )
      select c.queryid::text as query_id, pg_catalog.min(${textOf(sql`c.query`)}) as statement,
             pg_catalog.sum(c.calls)::bigint as calls, pg_catalog.sum(c.total_ms)::float8 as total_ms,
             extract(epoch from pg_catalog.now() - ${columns.statsReset})::float8 as counted_s,
             (select w.counted_s from ${countedSince} w)::float8 as tables_counted_s,
             pg_catalog.count(*) over () as total_rows
        from counted c
       where c.query ~* '^\\s*(/\\*|--|\\(|select|with|insert|update|delete|merge)'
       group by c.queryid
      having pg_catalog.sum(c.calls) >= ${param('min_calls')}::bigint
       order by pg_catalog.sum(c.total_ms) desc, c.queryid
       limit ${param('limit')}`;

/** Statements of this database by the time that they took, whoever ran them. */
export const workload = definePart({
  what: 'statements of pg_stat_statements',
  needs: 'pg_read_all_stats',
  subject: 'The workload',
  instead: 'Name the statements that the indexes are for.',
  row: {
    query_id: z.string().nullable(),
    statement: z.string().nullable().meta({ names: 'statement' }),
    calls: z.number().min(0),
    total_ms: z.number().min(0),
    counted_s: z.number().nullable(),
    tables_counted_s: z.number().nullable(),
    total_rows: z.int().min(0),
  },
  sql: byExtensionVersion(EXTENSION, {
    '1.4': top(COLUMNS['1.4']),
    '1.8': top(COLUMNS['1.8']),
    '1.9': top(COLUMNS['1.9']),
    '1.10': top(COLUMNS['1.10']),
    '1.11': top(COLUMNS['1.11']),
  }),
});
