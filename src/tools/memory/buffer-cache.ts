import { z } from 'zod';
import {
  defineTool,
  nameInput,
  readParts,
  schemaInput,
  statementsOf,
  tellWithheld,
  type NotExamined,
} from '../kit/index.ts';
import { cacheHits, databaseReads, readHits, tableHits, tableReads } from './cache-hits.ts';
import { cachedDatabases, cachedRelations, cacheSummary, usageCounts } from './cached-buffers.ts';

const SUMMARY = { cacheSummary, usageCounts };
const RELATIONS = { cachedRelations, cachedDatabases };

export default defineTool({
  name: 'buffer_cache',
  area: 'memory',
  title: 'Buffer cache',
  description: 'What shared_buffers hold: how full, used and dirty, by relation if asked; hit ratio.',
  judges: false,
  timeoutS: 15,
  waitsS: ({ seconds }) => Number(seconds),
  cost: 'By relation, and before pg_buffercache 1.4 in any case, it locks the header of each buffer in turn: some seconds for tens of gigabytes.',
  seldom: ['schema', 'name', 'seconds'],
  input: {
    detail: z.enum(['summary', 'relations']).default('summary'),
    schema: schemaInput,
    name: nameInput,
    seconds: z.number().min(0).max(60).default(0).describe('Count hits between two looks, and by table.'),
    limit: z.int().min(1).max(500).default(20),
  },
  output: {
    summary: cacheSummary.shape.nullable(),
    usage_counts: z.array(usageCounts.shape),
    hits: z.object(cacheHits).nullable().describe('Of the database that is asked.'),
    rows: z.array(cachedRelations.shape.omit({ total_rows: true })).describe('Those of this database.'),
    truncated: z.boolean(),
    total: z.int().min(0),
    databases: z.array(cachedDatabases.shape),
    reads: z.array(z.object(tableHits)).describe('Tables that were read most between two looks.'),
  },
  statements: statementsOf({ ...SUMMARY, ...RELATIONS, databaseReads, tableReads }),
  async run({ detail, schema = null, name = null, seconds, limit }, target, context) {
    const { hits, reads, unreadable } = await readHits(target, context, { seconds, limit });
    const cache = await readParts(target, SUMMARY, {});
    const values = { schema, name, limit: limit + 1 };
    const listed = detail === 'relations' ? await readParts(target, RELATIONS, values) : undefined;
    const relations = listed?.parts.cachedRelations ?? [];
    return {
      summary: cache.parts.cacheSummary[0] ?? null,
      usage_counts: [...cache.parts.usageCounts],
      hits,
      rows: relations.slice(0, limit).map(({ total_rows: _rows, ...row }) => row),
      truncated: relations.length > limit,
      total: relations[0]?.total_rows ?? 0,
      databases: [...(listed?.parts.cachedDatabases ?? [])],
      reads,
      facts: cache.facts,
      findings: [],
      not_examined: [
        ...tellWithheld(listed?.withheld.get(cachedDatabases.what) ?? 0, context.persona.name),
        ...unreadable,
        ...together([...cache.unreadable, ...(listed?.unreadable ?? [])]),
      ],
    };
  },
});

/** All of it comes from one extension. */
function together(gaps: readonly NotExamined[]): NotExamined[] {
  const [first] = gaps;
  if (!first) return [];
  const same = gaps.filter(({ reason }) => reason === first.reason);
  const others = gaps.filter((gap) => !same.includes(gap));
  return [{ ...first, what: same.map(({ what }) => what).join(', ') }, ...together(others)];
}
