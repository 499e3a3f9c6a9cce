import { z } from 'zod';
import { defineTool, nameInput, quoteName, ofSome, readParts, schemaInput, statementsOf } from '../kit/index.ts';
import { heap, type Heap } from './heap.ts';
import { judgeTables, notEstimated } from './judge-tables.ts';
import { measureEach } from './measure-each.ts';
import { approximateTuples, exactTuples, measureHeap, type Method } from './measure-heap.ts';
import { pgstattuple, unmeasurable } from './pgstattuple.ts';
import { byWaste, estimated, measured, tableRow } from './table-row.ts';

const MEBIBYTE = 1_048_576;
const PARTS = { heap, pgstattuple };
const bytes = z.int().min(0);

export default defineTool({
  name: 'table_bloat',
  area: 'bloat',
  title: 'Table bloat',
  description: 'Space that tables and TOAST waste: estimated or, with exact, measured.',
  alsoKnownAs: {
    get_table_bloat_analysis: {
      database_name: 'database',
      schema_name: 'schema',
      table_pattern: 'name',
      min_dead_tuples: 'min_dead_rows',
    },
  },
  cost: 'With exact it reads the tables that it shows from end to end, for as long as timeout_s lets it.',
  input: {
    schema: schemaInput,
    name: nameInput,
    exact: z.boolean().default(false),
    min_size: bytes.default(MEBIBYTE).describe('Leave out smaller tables, in bytes.'),
    min_dead_rows: bytes.default(0),
    approximate_from: bytes
      .default(1024 * MEBIBYTE)
      .describe('Of larger tables, pgstattuple_approx reads what VACUUM did not find all visible.'),
    limit: z.int().min(1).max(500).default(20),
  },
  seldom: ['min_size', 'min_dead_rows', 'approximate_from'],
  thresholds: {
    min_wasted: bytes.default(100 * MEBIBYTE).describe('Report tables that waste so much, in bytes,'),
    max_percent: z.number().min(0).max(100).default(50).describe('and such a share of their size.'),
  },
  output: { rows: z.array(tableRow), truncated: z.boolean(), total: z.int().min(0) },
  statements: statementsOf({ ...PARTS, exactTuples, approximateTuples }),
  async run(input, target, { deadline }) {
    const { schema = null, name = null, limit, exact, min_size, min_dead_rows } = input;
    const { facts, parts, unreadable } = await readParts(target, PARTS, { schema, name, min_size });
    const all = parts.heap
      .filter(({ dead_rows }) => (dead_rows ?? Infinity) >= min_dead_rows)
      .map((each) => ({ heap: each, row: estimated(each) }))
      .toSorted((a, b) => byWaste(a.row, b.row));
    const page = all.slice(0, limit);
    const methodFor = (each: Heap): Method =>
      each.size + each.toast_size >= input.approximate_from ? 'approximate' : 'exact';
    const [extension] = parts.pgstattuple;
    const hindered = exact ? unmeasurable(extension, facts) : [];
    const { measured: found, gaps } = await measureEach(
      target,
      exact && hindered.length === 0 ? page.map((each) => each.heap) : [],
      {
        deadline,
        bytesOf: (each) => bytesRead(each, methodFor(each)),
        nameOf: (each) => quoteName(each.schema, each.table),
        measure: (session, each) => measureHeap(session, each, methodFor(each)),
      },
    );
    const rows = page.map((each) => measured(each.row, found.get(each.heap))).toSorted(byWaste);
    const [{ candidates } = NONE] = parts.heap;
    const findings = judgeTables(rows, { ...input, pgstattuple: extension, inRecovery: facts.inRecovery });
    return {
      rows,
      truncated: all.length > limit,
      total: all.length,
      facts,
      findings: all.length > limit ? ofSome(findings) : findings,
      not_examined: [
        ...unreadable,
        ...hindered,
        ...gaps,
        ...notEstimated({ rows: [...rows, ...all.slice(limit).map(({ row }) => row)], candidates }, facts),
      ],
    };
  },
});

const NONE = { candidates: 0 };

function bytesRead({ size, toast_size, all_visible, block_size }: Heap, method: Method): number {
  return Math.max(size + toast_size - (method === 'approximate' ? all_visible * block_size : 0), 0);
}
