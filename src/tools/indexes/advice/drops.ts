import type { ReachedDatabase } from '../../../calls/context.ts';
import {
  definePart,
  param,
  readParts,
  sql,
  byServerVersion,
  type Finding,
  type NotExamined,
  type RowOf,
  type ConnectionFacts,
} from '../../kit/index.ts';
import { z } from 'zod';
import { duplicateIndex, duplicateIndexesOf } from '../duplicate-index.ts';
import { aboutCounters, indexRow } from '../index-row.ts';
import { judgeDuplicates } from '../judge-duplicates.ts';
import { judgeUnused, notCounted } from '../judge-indexes.ts';
import { unusedIndexesOf } from '../unused-index.ts';
import type { AdvisedTable } from './tables.ts';

const scope = {
  among: sql`i.indrelid = any (${param('oids')}::oid[])`,
  limit: sql`100`,
  estimateSizes: sql`${param('estimate_sizes')}::boolean`,
};
const counted = { total_rows: z.int() };

export const dropParts = {
  duplicates: definePart({
    what: 'indexes that duplicate others',
    row: { ...duplicateIndex, ...counted },
    sql: byServerVersion({ 12: duplicateIndexesOf({ ...scope, minSize: sql`0` }) }),
  }),
  unused: definePart({
    what: 'indexes that are not used',
    row: { ...indexRow, ...aboutCounters, ...counted },
    sql: unusedIndexesOf({ ...scope, maxScans: sql`0`, minSize: sql`1048576` }),
  }),
};

interface Drops {
  readonly duplicates: readonly RowOf<typeof dropParts.duplicates>[];
  readonly unused: readonly RowOf<typeof dropParts.unused>[];
  readonly facts: ConnectionFacts;
  readonly unreadable: readonly NotExamined[];
}

/** Indexes of the tables that could go: those that others make needless, and those that nothing has used. */
export async function readDrops(target: ReachedDatabase, tables: readonly AdvisedTable[]): Promise<Drops> {
  const { parts, facts, unreadable } = await readParts(target, dropParts, { oids: tables.map(({ oid }) => oid) });
  const needless = new Set(parts.duplicates.map(({ schema, index }) => JSON.stringify([schema, index])));
  const unused = parts.unused.filter(({ schema, index }) => !needless.has(JSON.stringify([schema, index])));
  const [first] = unused;
  return {
    duplicates: parts.duplicates,
    unused,
    facts,
    unreadable: [...unreadable, ...(first ? notCounted(first, facts.inRecovery) : [])],
  };
}

export function judgeDrops({ duplicates, unused, facts }: Drops): Finding[] {
  return [...judgeDuplicates(duplicates), ...judgeUnused(unused, { about: unused[0] ?? null, facts })];
}
