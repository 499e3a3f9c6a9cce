import { z } from 'zod';
import {
  byServerVersion,
  defineDiagnostic,
  isUserSchema,
  matchesName,
  nameInput,
  schemaInput,
  sql,
} from '../kit/index.ts';
import { judgeUncounted } from './judge-statistics.ts';
import { behindLocks, COUNTED_ON_PRIMARY } from './measure.ts';
import { measuredPage, NOT_ALL_MEASURED } from './measured-page.ts';

const KINDS = ['table', 'partitioned_table', 'partition', 'view', 'materialized_view', 'foreign_table'] as const;
const bytes = z.int().nullable().meta({ unit: 'bytes' });

const row = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  kind: z.enum(KINDS),
  owner: z.string(),
  size: bytes.describe('Table, TOAST and indexes.'),
  table_size: bytes,
  index_size: bytes,
  toast_size: bytes,
  size_estimated: z.boolean().describe('A lock kept the sizes from us: they are those of the last VACUUM or ANALYZE.'),
  rows: z.int().nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  dead_rows: z.int().nullable(),
  partitions: z.int().nullable(),
  last_vacuum: z.iso.datetime().nullable(),
  last_analyze: z.iso.datetime().nullable(),
  primary_key: z.boolean().nullable(),
  autovacuum: z
    .boolean()
    .nullable()
    .describe('False where a storage parameter of the table or a partition turns it off.'),
  comment: z.string().nullable().meta({ names: 'text' }),
};

export default defineDiagnostic({
  name: 'list_tables',
  area: 'tables',
  accessClass: 'schema',
  title: 'Tables',
  description: 'Tables and views: size, rows, dead rows, last vacuum and analyze; partitions counted in their parent.',
  alsoKnownAs: {
    get_table_list: { database_name: 'database' },
  },
  seldom: ['kinds'],
  input: {
    schema: schemaInput,
    name: nameInput,
    kinds: z
      .array(z.enum(KINDS))
      .min(1)
      .default(KINDS.filter((kind) => kind !== 'partition')),
    order_by: z.enum(['size', 'rows', 'dead_rows', 'name']).default('size'),
  },
  row,
  about: {
    total_size: bytes.describe('Of all that match, beyond the limit too; a partition beside its parent counts twice.'),
    total_estimated: z
      .boolean()
      .describe(
        'Too many match to measure all: total_size and the order by size are those of the last VACUUM or ANALYZE.',
      ),
  },
  counted: true,
  sql: ({ schema, name, kinds, order_by, limit, estimate_sizes }) =>
    byServerVersion({
      12: sql`
        with recursive listed as materialized (
          select c.oid, n.nspname, c.relname, c.relkind, c.relowner,
                 case when c.relispartition then 'partition'
                      else case c.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'v' then 'view'
                                          when 'm' then 'materialized_view' else 'foreign_table' end
                 end as kind
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p', 'v', 'm', 'f')
             -- which leaves out temporary tables, too
             and ${isUserSchema(sql`n.nspname`)}
             and (${schema}::text is null or n.nspname = ${schema}::text)
             and ${matchesName(sql`c.relname`, name)}
        ),
        roots as materialized (
          select l.* from listed l where l.kind = any (${kinds}::text[])
        ),
        ${measuredPage({
          orderBy: sql`case ${order_by}::text when 'size' then m.size when 'rows' then m.rows when 'dead_rows' then m.dead_rows end`,
          limit,
          estimateSizes: estimate_sizes,
        })}
        select p.nspname as schema, p.relname as table, p.kind, pg_catalog.pg_get_userbyid(p.relowner) as owner,
               coalesce(x.size, p.size) as size, coalesce(x.table_size, p.table_size) as table_size,
               coalesce(x.index_size, p.index_size) as index_size, coalesce(x.toast_size, p.toast_size) as toast_size,
               coalesce(p.size_estimated, false) and x.oid is null as size_estimated,
               -- a file without bytes has no rows
               coalesce(p.rows, case when x.table_size = 0 then 0 end) as rows, p.dead_rows,
               case when p.relkind = 'p' then coalesce(p.partitions, 0) end as partitions,
               p.last_vacuum, p.last_analyze,
               case when p.relkind in ('r', 'p') then exists (
                 select from pg_catalog.pg_index i where i.indrelid = p.oid and i.indisprimary) end as primary_key,
               p.autovacuum,
               pg_catalog.obj_description(p.oid, 'pg_class') as comment,
               p.total_size, (select a.too_many from amount a) as total_estimated, p.total_rows
          from page p
          left join exact x on x.oid = p.oid
         order by case ${order_by}::text when 'size' then coalesce(x.size, p.size) when 'rows' then p.rows when 'dead_rows' then p.dead_rows end desc nulls last,
                  p.nspname, p.relname`,
    }),
  // autovacuum_status judges dead rows, by the thresholds that autovacuum goes by
  findings: (rows) => judgeUncounted(rows.filter(({ size_estimated }) => !size_estimated)),
  notExamined: (rows, { about, facts }) => [
    ...behindLocks(rows),
    ...(about?.total_estimated === true ? [NOT_ALL_MEASURED] : []),
    ...(facts.inRecovery ? [COUNTED_ON_PRIMARY] : []),
  ],
});
