import { z } from 'zod';
import { defineTool, nameInput, quoteName, ofSome, readParts, schemaInput, statementsOf } from '../kit/index.ts';
import { btree, otherIndexes } from './btree.ts';
import { byWaste, estimated, indexRow, measured } from './index-row.ts';
import { judgeBtrees, otherKinds } from './judge-btrees.ts';
import { notEstimated } from './judge-tables.ts';
import { btreePages, measureBtree } from './measure-btree.ts';
import { measureEach } from './measure-each.ts';
import { pgstattuple, unmeasurable } from './pgstattuple.ts';

const MEBIBYTE = 1_048_576;
const PARTS = { btree, otherIndexes, pgstattuple };
const bytes = z.int().min(0);

export default defineTool({
  name: 'index_bloat',
  area: 'bloat',
  title: 'Index bloat',
  description: 'Space that B-trees waste: estimated or, with exact, measured.',
  cost: 'With exact it reads the indexes that it shows from end to end, for as long as timeout_s lets it.',
  input: {
    schema: schemaInput,
    name: nameInput,
    exact: z.boolean().default(false),
    min_size: bytes.default(MEBIBYTE).describe('Leave out smaller indexes, in bytes.'),
    limit: z.int().min(1).max(500).default(20),
  },
  seldom: ['min_size'],
  thresholds: {
    min_wasted: bytes.default(100 * MEBIBYTE).describe('Report indexes that waste so much, in bytes,'),
    max_percent: z.number().min(0).max(100).default(50).describe('and such a share of their size.'),
  },
  output: { rows: z.array(indexRow), truncated: z.boolean(), total: z.int().min(0) },
  statements: statementsOf({ ...PARTS, btreePages }),
  async run(input, target, { deadline }) {
    const { schema = null, name = null, limit, exact, min_size } = input;
    const { facts, parts, unreadable } = await readParts(target, PARTS, { schema, name, min_size });
    const all = parts.btree
      .map((each) => ({ btree: each, row: estimated(each) }))
      .toSorted((a, b) => byWaste(a.row, b.row));
    const page = all.slice(0, limit);
    const [extension] = parts.pgstattuple;
    const hindered = exact ? unmeasurable(extension, facts) : [];
    const { measured: found, gaps } = await measureEach(
      target,
      exact && hindered.length === 0 ? page.map((each) => each.btree) : [],
      {
        deadline,
        bytesOf: ({ size }) => size,
        nameOf: ({ schema: of, index }) => quoteName(of, index),
        measure: measureBtree,
      },
    );
    const rows = page
      .map((each) => ({ ...measured(each.row, found.get(each.btree)), exclusion: each.btree.exclusion }))
      .toSorted(byWaste);
    const [{ candidates } = { candidates: 0 }] = parts.btree;
    const findings = judgeBtrees(rows, { ...input, pgstattuple: extension });
    return {
      rows: rows.map((each) => indexRow.parse(each)),
      truncated: all.length > limit,
      total: all.length,
      facts,
      findings: all.length > limit ? ofSome(findings) : findings,
      not_examined: [
        ...unreadable,
        ...hindered,
        ...gaps,
        ...notEstimated(
          { rows: [...rows, ...all.slice(limit).map(({ row }) => row)], candidates, of: 'indexes' },
          facts,
        ),
        ...otherKinds(parts.otherIndexes),
      ],
    };
  },
});
