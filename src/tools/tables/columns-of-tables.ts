import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { byServerVersion, definePart, isUserSchema, param, readParts, sql } from '../kit/index.ts';
import { behindLocks } from './measure.ts';
import { measuredPage } from './measured-page.ts';
import { RELATION_KINDS } from './find-relation.ts';

/** Of a table with more, these are enough to know it by. */
const COLUMNS_SHOWN = sql`40`;

/** Each table and view with its columns in a line; partitions are in their parent. */
export const columnsOfTables = definePart({
  what: 'tables',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    kind: z.enum(['table', 'partitioned_table', 'view', 'materialized_view', 'foreign_table']),
    size: z.int().nullable().meta({ unit: 'bytes' }).describe('Table, TOAST and indexes, with all partitions.'),
    size_estimated: z.boolean(),
    column_count: z.int().min(0),
    columns: z
      .array(z.string())
      .meta({ names: 'column', withhold: 'value' })
      .describe('Quoted names and types, the first 40; * marks the primary key, ! other columns that are NOT NULL.'),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      with recursive roots as materialized (
        select c.oid, n.nspname, c.relname, c.relkind
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ${RELATION_KINDS} and c.relpersistence <> 't' and not c.relispartition
           and case when ${param('schema')}::text is not null then n.nspname = ${param('schema')}::text else ${isUserSchema(sql`n.nspname`)} end
      ),
      ${measuredPage({ orderBy: sql`null::integer`, limit: param('limit'), estimateSizes: param('estimate_sizes') })}
      select p.nspname as schema, p.relname as table,
             case p.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'v' then 'view'
                            when 'm' then 'materialized_view' else 'foreign_table' end as kind,
             coalesce(x.size, p.size) as size, coalesce(p.size_estimated, false) and x.oid is null as size_estimated,
             (select pg_catalog.count(*) from pg_catalog.pg_attribute a where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped) as column_count,
             pg_catalog.to_json(array(
               select pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
                      || case when a.attnum = any (i.indkey) then '*' when a.attnotnull then '!' else '' end
                 from pg_catalog.pg_attribute a
                 left join pg_catalog.pg_index i on i.indrelid = a.attrelid and i.indisprimary
                where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped
                order by a.attnum
                limit ${COLUMNS_SHOWN})) as columns,
             p.total_rows
        from page p
        left join exact x on x.oid = p.oid
       order by p.nspname, p.relname`,
  }),
});
const table = columnsOfTables.shape.omit({ total_rows: true });

/** The parts of an answer that list tables. */
export const listedTables = {
  tables: z.array(table).optional().describe('Where none was named.'),
  total_tables: z.int().min(0).optional(),
};

/** All tables of a schema, or of the database. */
export async function listColumns(target: ReachedDatabase, schema: string | undefined, limit: number) {
  const { parts, unreadable, facts } = await readParts(target, { columnsOfTables }, { schema: schema ?? null, limit });
  return {
    tables: parts.columnsOfTables.map((row) => table.parse(row)),
    total_tables: parts.columnsOfTables[0]?.total_rows ?? 0,
    facts,
    findings: [],
    not_examined: [...unreadable, ...behindLocks(parts.columnsOfTables)],
  };
}
