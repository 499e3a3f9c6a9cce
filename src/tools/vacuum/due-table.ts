import { z } from 'zod';
import { byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import {
  DUE_FOR,
  judgedColumns,
  judgedTables,
  THRESHOLDS,
  timed,
  untimed,
  worthListing,
  type TimeOf,
} from './thresholds.ts';

const count = z.int().min(0).nullable();
const time = z.iso.datetime().nullable();
const at = (what: string) => count.describe(`Autovacuum comes with more ${what} than this.`);

/** A table with what makes autovacuum come, and what is known of its last visits. */
export const judgedTable = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  part: z
    .enum(['table', 'materialized_view', 'toast'])
    .describe('TOAST is vacuumed by itself, and listed where there is something to clean.'),
  autovacuum: z.boolean().describe('False where a storage parameter of it turns autovacuum off.'),
  due: z.array(z.enum(DUE_FOR)).describe('What is beyond its threshold, whether or not autovacuum may come.'),
  percent: z
    .number()
    .nullable()
    .meta({ unit: 'percent' })
    .describe('Of dead rows, inserts and changes the one that is furthest, of its threshold.'),
  rows: count.describe('As of the last VACUUM or ANALYZE, which is what autovacuum goes by.'),
  dead_rows: count,
  dead_rows_at: at('dead rows'),
  inserts: count.describe('Since the last VACUUM; PostgreSQL 13 on.'),
  inserts_at: at('inserts'),
  changes: count.describe('Since the last ANALYZE.'),
  changes_at: at('changes'),
  xid_age: count.describe('Transactions since its oldest row that is not frozen.'),
  xid_age_at: at('transactions'),
  mxid_age: count,
  mxid_age_at: at('multixacts').describe(
    'Autovacuum comes with more than this, or earlier when their members run out.',
  ),
  last_vacuum: time,
  last_autovacuum: time,
  last_analyze: time,
  last_autoanalyze: time,
  vacuums: count,
  autovacuums: count,
  analyzes: count,
  autoanalyzes: count,
  running: z.boolean(),
  locked: z.boolean(),
  vacuumed_s: z.number().nullable(),
  vacuum_took_s: z.number().nullable().describe('What the last VACUUM took at most; PostgreSQL 18 on.'),
};
export type JudgedTable = z.output<z.ZodObject<typeof judgedTable>>;

const due = (judged: Sql, timeOf: TimeOf = untimed) => sql`${judged},
      page as materialized (
        select j.*, pg_catalog.count(*) filter (where j.due <> '{}') over () as due_rows, pg_catalog.count(*) over () as total_rows,
               pg_catalog.count(*) filter (
                 where j.due <> '{}' and j.enabled and (j.percent >= ${param('overdue_percent')}::double precision or j.due && array['xid_age', 'mxid_age'])
                   and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.relid = j.oid)) over () as waiting_rows,
               pg_catalog.row_number() over (
                 order by j.due && array['xid_age', 'mxid_age'] desc, j.due <> '{}' desc, j.percent desc nulls last, j.xid_age desc nulls last,
                          j.nspname, j.relname, j.toast) as place
          from judged j
         where (j.due <> '{}' or not ${param('due_only')}::boolean)
           and ${worthListing}
         order by place
         limit ${param('limit')}
      )
      select ${judgedColumns(timeOf)}, j.due_rows, j.total_rows, j.waiting_rows
        from page j
       order by j.place`;

export const dueTables = definePart({
  what: 'tables and what makes autovacuum come',
  row: { ...judgedTable, due_rows: z.int(), total_rows: z.int(), waiting_rows: z.int() },
  sql: byServerVersion({
    12: due(judgedTables(THRESHOLDS[12])),
    13: due(judgedTables(THRESHOLDS[13])),
    18: due(judgedTables(THRESHOLDS[18]), timed),
  }),
});
export type DueTable = RowOf<typeof dueTables>;
