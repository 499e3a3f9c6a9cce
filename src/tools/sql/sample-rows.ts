import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { quoteIdentifier } from '../../postgres/sql.ts';
import {
  byServerVersion,
  definePart,
  defineTool,
  param,
  schemaInput,
  sql,
  statementsOf,
  type NotExamined,
} from '../kit/index.ts';
import { candidates, findRelation, names } from '../tables/find-relation.ts';
import { runStatement, statementOutput } from './run-statement.ts';
import { isCutThere, rowsToChooseAmong, sampleStatement, type SampledColumn } from './sample-statement.ts';

/** The columns that may be seen, and how many rows there are by the last VACUUM or ANALYZE, in all partitions. */
const sampledColumns = definePart({
  what: 'columns',
  looksUp: true,
  row: {
    column: z.string().meta({ names: 'column' }),
    type: z.string(),
    rows: z.int().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      with recursive members (oid) as (
        select ${param('oid')}::oid
        union all
        select h.inhrelid from members m join pg_catalog.pg_inherits h on h.inhparent = m.oid
      )
      select a.attname as column, pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
             (select nullif(pg_catalog.sum(greatest(c.reltuples, 0)), 0)::bigint
                from members m
                join pg_catalog.pg_class c on c.oid = m.oid and c.relkind in ('r', 'm')) as rows
        from pg_catalog.pg_attribute a
       where a.attrelid = ${param('oid')}::oid and a.attnum > 0 and not a.attisdropped
       order by a.attnum`,
  }),
});

/** Columns of one answer, unless they are named. */
const MOST_COLUMNS = 30;
/** Bytes of the rows of one answer, as JSON. */
const MOST_BYTES = 16_000;
const { format: _, total: __, ...parts } = statementOutput;

export default defineTool({
  name: 'sample_rows',
  area: 'sql',
  accessClass: 'query',
  title: 'Sample rows',
  description: 'A few rows of a table or view, the first or by chance, to see what its columns hold.',
  judges: false,
  seldom: ['columns', 'cell_length'],
  timeoutS: 20,
  cost: 'By chance it reads up to 1,000,000 rows.',
  input: {
    table: z.string().min(1).max(300),
    schema: schemaInput,
    random: z.boolean().default(false),
    columns: z.array(z.string().min(1).max(63)).min(1).max(200).optional().describe('By their exact names.'),
    cell_length: z.int().min(10).max(10_000).default(200).describe('Characters that are shown of a value.'),
    limit: z.int().min(1).max(100).default(10),
  },
  output: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    taken: z.string(),
    format: z.literal('rows'),
    ...parts,
    cut: z.array(z.string()).describe('Columns with a value that is longer than what is shown of it.'),
  },
  statements: statementsOf({ candidates, names, sampledColumns }),
  async run({ table, schema, random, columns, cell_length, limit }, target, context) {
    const found = await findRelation(target, table, schema);
    const visible = await target.readOnly((session) => sampledColumns.read(session, { oid: found.oid }));
    const chosen = columns === undefined ? visible.slice(0, MOST_COLUMNS) : chooseColumns(columns, visible, table);
    if (chosen.length === 0) throw noColumns(table);
    const among = random ? rowsToChooseAmong(visible[0]?.rows ?? null) : undefined;
    const sample = { ...found, columns: chosen, rows: limit, cellLength: cell_length, among };
    const approved = await target.callers.admit(sampleStatement(sample));
    const answer = await runStatement({ approved, parameters: [], format: 'rows', limit }, target, context);
    const { rows, cut, isShortened } = bound(answer.rows, cell_length);
    return {
      schema: found.schema,
      table: found.table,
      taken: takenFrom(among),
      format: 'rows' as const,
      note: answer.note,
      columns: answer.columns.map((column, i) => declared(column, chosen[i])),
      rows,
      truncated: isShortened || among !== undefined || answer.truncated,
      cut: chosen.filter((_, i) => cut.has(i)).map(({ column }) => column),
      facts: answer.facts,
      findings: answer.findings,
      not_examined: columns === undefined ? cutOff(visible.length, chosen.length) : [],
    };
  },
});

function takenFrom(among: number | undefined): string {
  return among === undefined ? 'the first that came, in no order' : `by chance among the first ${among}`;
}

function chooseColumns(wanted: readonly string[], visible: readonly SampledColumn[], table: string): SampledColumn[] {
  return [...new Set(wanted)].map((name) => {
    const found = visible.find(({ column }) => column === name);
    if (found) return found;
    const known = visible.map(({ column }) => column);
    const near = nearest(name, known);
    throw new PlatformError('NOT_FOUND', `${JSON.stringify(table)} has no column ${JSON.stringify(name)}.`, {
      hint: near === undefined ? 'describe_table shows its columns.' : `Did you mean ${quoteIdentifier(near)}?`,
    });
  });
}

function noColumns(table: string): PlatformError {
  return new PlatformError('NOT_FOUND', `${JSON.stringify(table)} has no column that could be shown.`);
}

type Cell = string | number | boolean | null;

/** Cuts long values, and leaves out rows that are too much together; the first stays. */
function bound(rows: readonly (readonly Cell[] | string)[], length: number) {
  const cut = new Set<number>();
  const kept: Cell[][] = [];
  let bytes = 0;
  for (const row of rows) {
    if (typeof row === 'string') continue;
    const cells = row.map((cell, i) => {
      if (typeof cell !== 'string' || cell.length <= length) return cell;
      cut.add(i);
      return `${cell.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}…`;
    });
    bytes += Buffer.byteLength(JSON.stringify(cells));
    if (kept.length > 0 && bytes > MOST_BYTES) break;
    kept.push(cells);
  }
  return { rows: kept, cut, isShortened: kept.length < rows.length };
}

/** A text that the server cut is still of its own type. */
function declared(answered: { readonly name: string; readonly type: string }, column: SampledColumn | undefined) {
  const isCut = column !== undefined && isCutThere(column) && answered.type === 'text';
  return isCut ? { ...answered, type: column.type } : answered;
}

function cutOff(total: number, shown: number): NotExamined[] {
  if (shown >= total) return [];
  return [
    {
      what: `${total - shown} more columns`,
      reason: `The list ends at ${shown} of ${total}.`,
      remedy: 'Name those that are wanted in `columns`.',
    },
  ];
}
