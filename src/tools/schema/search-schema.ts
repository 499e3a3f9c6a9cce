import { z } from 'zod';
import { defineTool, limitInput, schemaInput, type NotExamined } from '../kit/index.ts';
import { createCatalogueCache, GENERATION, MOST_RELATIONS, RELATIONS } from './catalogue-cache.ts';
import { overviewOf, schemaSummary } from './catalogue-overview.ts';
import { searchCatalogue, type Scope } from './catalogue-search.ts';
import { createSight } from './catalogue-sight.ts';
import { CATALOGUE, KINDS } from './catalogue.ts';
import { readCursor, writeCursor } from './search-cursor.ts';
import { pageOfHits, searchRow } from './search-page.ts';
import { readQuestion, type Asked } from './synonyms.ts';

const row = z.object(searchRow);
const catalogues = createCatalogueCache();

export default defineTool({
  name: 'search_schema',
  area: 'schema',
  accessClass: 'schema',
  title: 'Search the schema',
  description:
    'Tables, columns, functions and enums by words for them: names, comments, synonyms, misspellings; without words an overview.',
  judges: false,
  timeoutS: 20,
  seldom: ['kinds'],
  input: {
    query: z.string().max(300).default(''),
    schema: schemaInput,
    kinds: z.array(z.enum(KINDS)).min(1).optional(),
    cursor: z.string().max(1500).optional(),
    limit: limitInput(),
  },
  output: {
    rows: z.array(row),
    truncated: z.boolean(),
    total: z.int().min(0),
    next_cursor: z.string().nullable().describe('For the next page, as `cursor` beside the same inputs.'),
    schemas: z
      .array(schemaSummary)
      .optional()
      .describe('Where nothing was asked for: the largest, and what is in them.'),
  },
  statements: [GENERATION, RELATIONS, CATALOGUE].map((statement) => ({ since: 'PostgreSQL 12', ...statement })),
  async run({ query, schema, kinds = KINDS, cursor, limit }, target) {
    const asked = { query, schema, kinds };
    const after = cursor === undefined ? undefined : readCursor(cursor, asked);
    const question = readQuestion(query);
    const scope: Scope = { kinds: new Set(kinds), schema };
    return target.readOnly(async (session) => {
      const { index, isWhole } = await catalogues.open(target, session, narrow(question, schema));
      const sight = createSight(session.hidden, index);
      const overview = question.length === 0 ? overviewOf(index, sight, scope) : undefined;
      const hits = overview?.hits ?? searchCatalogue(index, sight, question, scope);
      const { rows, last } = pageOfHits(hits, sight, { after, limit });
      return {
        rows,
        truncated: last !== undefined,
        total: hits.length,
        next_cursor: last === undefined ? null : writeCursor(last, asked),
        ...(overview && after === undefined && { schemas: overview.schemas }),
        facts: session.facts,
        findings: [],
        not_examined: isWhole ? [] : [notWhole(question)],
      };
    });
  },
});

/** How a very large catalogue is asked for what has the words; beginnings, so that their forms are among them. */
function narrow(question: readonly Asked[], schema: string | undefined) {
  const words = question.flatMap(({ words, synonyms }) => [words, ...synonyms]).map((phrase) => phrase.join(' '));
  const patterns = words.map((word) => {
    const stem = word.length > 5 ? word.slice(0, -2) : word;
    return `%${stem.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll(' ', '%')}%`;
  });
  return { patterns: patterns.length === 0 ? ['%'] : patterns, schema: schema ?? null };
}

function notWhole(question: readonly Asked[]): NotExamined {
  return {
    what: question.length === 0 ? 'all but the largest relations' : 'names that only resemble the words',
    reason: `The database has more than ${MOST_RELATIONS} relations, so that only those with the words in them were read.`,
    remedy: 'Name the schema, or a word as it stands in the name.',
  };
}
