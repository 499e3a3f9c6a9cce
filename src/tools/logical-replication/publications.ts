import { z } from 'zod';
import { defineTool, readParts, statementsOf, type NotExamined } from '../kit/index.ts';
import { judgePublications } from './judge-publications.ts';
import { publicationRows, publishedTables, unusableTables } from './published-tables.ts';

const PARTS = { publicationRows, publishedTables, unusableTables };

const table = publishedTables.shape.omit({ filter_hidden: true });
const unusable = unusableTables.shape.omit({ of_problem: true, total_rows: true });

export default defineTool({
  name: 'publications',
  area: 'logical_replication',
  title: 'Publications',
  description: 'Publications, their tables, row filters, column lists; tables whose UPDATE or DELETE fails.',
  input: { limit: z.int().min(1).max(500).default(20) },
  output: {
    rows: z.array(publicationRows.shape),
    tables: z.array(table).describe('Those that a publication names first.'),
    failing: z.array(unusable).describe('Published tables whose UPDATE or DELETE fails.'),
    truncated: z.boolean().describe('Whether a list was cut.'),
    total_failing: z.int().min(0),
  },
  statements: statementsOf(PARTS),
  async run({ limit }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { limit: limit + 1 });
    const rows = parts.publicationRows.slice(0, limit);
    const tables = parts.publishedTables.slice(0, limit);
    const failing = parts.unusableTables.slice(0, limit);
    const [first] = failing;
    return {
      rows,
      tables: tables.map((row) => table.parse(row)),
      failing: failing.map((row) => unusable.parse(row)),
      truncated: Object.values(parts).some((list) => list.length > limit),
      total_failing: first?.total_rows ?? 0,
      facts,
      findings: judgePublications(rows, failing),
      not_examined: [...unreadable, ...hiddenFilters(tables)],
    };
  },
});

/** PostgreSQL waits for a lock on the table before it writes its filter as text. */
function hiddenFilters(tables: readonly { readonly filter_hidden: boolean }[]): NotExamined[] {
  const hidden = tables.filter(({ filter_hidden }) => filter_hidden).length;
  if (hidden === 0) return [];
  return [
    {
      what: `the row filters of ${hidden} ${hidden === 1 ? 'table' : 'tables'}`,
      reason: 'Somebody holds or awaits a lock on them that would keep us waiting.',
    },
  ];
}
