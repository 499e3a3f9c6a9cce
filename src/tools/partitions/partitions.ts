import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import {
  defineTool,
  limitInput,
  quoteName,
  readParts,
  schemaInput,
  statementsOf,
  type NotExamined,
} from '../kit/index.ts';
import { candidates, findRelation, names } from '../tables/find-relation.ts';
import { partitionTree } from './partition-tree.ts';
import { partitionedTables } from './partitioned-tables.ts';

const PARTS = { partitionedTables, partitionTree };
const partitionedTable = partitionedTables.shape.omit({ total_rows: true });
const partition = partitionTree.shape.omit({ total_rows: true });

export default defineTool({
  name: 'partitions',
  area: 'partitions',
  accessClass: 'schema',
  title: 'Partitions',
  description: 'Partitioned tables: strategy, key, number, size; of one, each partition with its bounds.',
  judges: false,
  input: {
    table: z.string().min(1).max(300).optional(),
    schema: schemaInput,
    limit: limitInput(),
  },
  output: {
    rows: z.array(partitionedTable),
    truncated: z.boolean(),
    total: z.int().min(0),
    partitions: z.array(partition).optional().describe('Of the one table, each below its parent; of many, the last.'),
    total_partitions: z.int().min(0).optional(),
  },
  statements: statementsOf({ candidates, names, ...PARTS }),
  async run({ table, schema, limit }, target) {
    const found = table === undefined ? null : await findRelation(target, table, schema);
    const values = { oid: found?.oid ?? null, schema: schema ?? null, limit };
    const { parts, unreadable, facts } = await readParts(target, PARTS, values);
    if (found && parts.partitionedTables.length === 0 && unreadable.length === 0) {
      const object = quoteName(found.schema, found.table);
      throw new PlatformError('INVALID_INPUT', `${object} is not partitioned.`, {
        hint: 'partitions without `table` lists the tables that are; describe_table names the parent of a partition.',
      });
    }
    const total = parts.partitionedTables[0]?.total_rows ?? 0;
    return {
      rows: parts.partitionedTables.map((row) => partitionedTable.parse(row)),
      truncated: total > parts.partitionedTables.length,
      total,
      ...(found && {
        partitions: parts.partitionTree.map((row) => partition.parse(row)),
        total_partitions: parts.partitionTree[0]?.total_rows ?? 0,
      }),
      facts,
      findings: [],
      not_examined: [...unreadable, ...behindLocks(parts)],
    };
  },
});

interface Shown {
  readonly partitionedTables: readonly { readonly key: string | null }[];
  readonly partitionTree: readonly { readonly bound: string | null }[];
}

function behindLocks({ partitionedTables: tables, partitionTree: tree }: Shown): NotExamined[] {
  const keys = tables.filter(({ key }) => key === null).length;
  const bounds = tree.filter(({ bound }) => bound === null).length;
  return [
    ...(keys > 0 ? [`the keys of ${keys} tables`] : []),
    ...(bounds > 0 ? [`the bounds of ${bounds} partitions`] : []),
  ].map((what) => ({
    what,
    reason: 'A session holds or awaits an exclusive lock, and reading them would wait.',
    remedy: 'activity shows who blocks whom.',
  }));
}
