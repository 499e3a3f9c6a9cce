import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  defineTool,
  estimatedSize,
  lockedRelations,
  param,
  readParts,
  sql,
  statementsOf,
  type RowOf,
} from '../kit/index.ts';
import { heap, heaps } from './heap.ts';
import { notEstimated } from './judge-tables.ts';
import { estimated, percentOf, type TableRow } from './table-row.ts';

const count = z.int().min(0);
const bytes = count.meta({ unit: 'bytes' });

/** Of more tables than these the sizes are those of the last VACUUM or ANALYZE: each exact one is a look at its files. */
const MEASURED_AT_MOST = sql`2000`;

const schemas = definePart({
  what: 'tables of each schema',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    tables: count,
    size: bytes,
    size_estimated: z.boolean(),
    live_rows: count.nullable(),
    dead_rows: count.nullable(),
  },
  sql: byServerVersion({
    12: sql`
      with locked as materialized (${lockedRelations}
      ),
      ${heaps},
      sized as (
        select h.*, ${param('estimate_sizes')}::boolean or (select pg_catalog.count(*) from heaps) > ${MEASURED_AT_MOST}
                    or exists (select from locked l where l.oid in (h.oid, h.toast)) as estimated
          from heaps h
      )
      select s.nspname as schema, pg_catalog.count(*) as tables,
             coalesce(pg_catalog.sum(case when s.estimated then ${estimatedSize(sql`(s.relpages + s.toast_pages)`)}
                                 else pg_catalog.pg_relation_size(s.oid) + coalesce(pg_catalog.pg_relation_size(s.toast), 0) end), 0)::bigint as size,
             pg_catalog.bool_or(s.estimated) as size_estimated,
             case when not pg_catalog.pg_is_in_recovery() then pg_catalog.sum(pg_catalog.pg_stat_get_live_tuples(s.oid))::bigint end as live_rows,
             case when not pg_catalog.pg_is_in_recovery() then pg_catalog.sum(pg_catalog.pg_stat_get_dead_tuples(s.oid))::bigint end as dead_rows
        from sized s
       group by s.nspname`,
  }),
});

const PARTS = { schemas, heap };

const row = z.object({
  schema: z.string().meta({ names: 'schema' }),
  tables: count.describe('With storage of their own: partitions, not partitioned tables.'),
  size: bytes.describe('Of the tables and their TOAST, without indexes.'),
  wasted: bytes
    .nullable()
    .describe('Estimated: what the live rows of its tables would not take if they were written anew.'),
  wasted_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of the tables that could be estimated.'),
  estimated: count.describe('Tables that are counted in wasted.'),
  unknown: count.describe('Tables that are large enough, and could not be estimated.'),
  dead_rows: count.nullable(),
  dead_percent: z.number().nullable().meta({ unit: 'percent' }).describe('Of live and dead rows together.'),
  size_estimated: z
    .boolean()
    .describe('There are too many tables, or a lock on one: it is that of the last VACUUM or ANALYZE.'),
});

export default defineTool({
  name: 'schema_bloat',
  area: 'bloat',
  title: 'Bloat by schema',
  description: 'Wasted space and dead rows by schema.',
  alsoKnownAs: { get_database_bloat_overview: { database_name: 'database' } },
  judges: false,
  input: {
    min_size: count.default(1_048_576).describe('Do not estimate smaller tables, in bytes.'),
    limit: z.int().min(1).max(500).default(20),
  },
  seldom: ['min_size'],
  output: { rows: z.array(row).describe('The most wasted first.'), truncated: z.boolean(), total: count },
  statements: statementsOf(PARTS),
  async run({ min_size, limit }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { schema: null, name: null, min_size });
    const tables = parts.heap.map(estimated);
    const all = parts.schemas
      .map((schema) =>
        sumUp(
          schema,
          tables.filter((table) => table.schema === schema.schema),
        ),
      )
      .toSorted((a, b) => (b.wasted ?? -1) - (a.wasted ?? -1) || b.size - a.size || (a.schema < b.schema ? -1 : 1));
    const [{ candidates } = { candidates: 0 }] = parts.heap;
    return {
      rows: all.slice(0, limit),
      truncated: all.length > limit,
      total: all.length,
      facts,
      findings: [],
      not_examined: [...unreadable, ...notEstimated({ rows: tables, candidates }, facts)],
    };
  },
});

function sumUp(schema: RowOf<typeof schemas>, tables: readonly TableRow[]): z.output<typeof row> {
  const known = tables.filter(({ method }) => method !== null);
  const wasted = sum(known.map((table) => (table.wasted ?? 0) + (table.toast_wasted ?? 0)));
  const { live_rows, dead_rows } = schema;
  return {
    ...row
      .omit({ wasted: true, wasted_percent: true, estimated: true, unknown: true, dead_percent: true })
      .parse(schema),
    wasted: known.length === 0 ? null : wasted,
    wasted_percent: percentOf(wasted, sum(known.map(({ size, toast_size }) => size + toast_size))),
    estimated: known.length,
    unknown: tables.length - known.length,
    dead_percent: percentOf(dead_rows, (live_rows ?? 0) + (dead_rows ?? 0)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
