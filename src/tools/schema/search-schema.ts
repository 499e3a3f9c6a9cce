import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { mayStillShow } from '../../calls/hidden-now.ts';
import type { ReachedSession } from '../../calls/reached-session.ts';
import type { DataRules } from '../../policy/policy.ts';
import { defineTool, limitInput, schemaInput, type NotExamined } from '../kit/index.ts';
import { createCatalogueCache, MOST_RELATIONS, RELATIONS } from './catalogue-cache.ts';
import { GENERATION } from './catalogue-generation.ts';
import { overviewOf, schemaSummary } from './catalogue-overview.ts';
import { searchCatalogue, type Scope } from './catalogue-search.ts';
import { createSight } from './catalogue-sight.ts';
import { CATALOGUE, KINDS } from './catalogue.ts';
import { createHiddenCache } from './hidden-cache.ts';
import { readCursor, writeCursor, type SearchPlace } from './search-cursor.ts';
import { pageOfHits, searchRow } from './search-page.ts';
import { readQuestion, type Asked } from './synonyms.ts';

const row = z.object(searchRow);
const catalogues = createCatalogueCache();
const hiddens = createHiddenCache();

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
  async run({ query, schema, kinds = KINDS, cursor, limit }, target, { persona }) {
    const asked = { query, schema, kinds };
    const after = cursor === undefined ? undefined : readCursor(cursor, asked);
    const search: Search = { question: readQuestion(query), scope: { kinds: new Set(kinds), schema }, after, limit };
    const rules = persona.data;
    const found =
      (await searchKept(target, search, { rules, anew: false })) ??
      (await searchKept(target, search, { rules, anew: true }));
    if (found === undefined) throw new Error('what was read for this call alone was out of date');
    const { rows, last, total, schemas, facts, isWhole } = found;
    return {
      rows,
      truncated: last !== undefined,
      total,
      next_cursor: last === undefined ? null : writeCursor(last, asked),
      ...(schemas && { schemas }),
      facts,
      findings: [],
      not_examined: isWhole ? [] : [notWhole(search.question)],
    };
  },
});

interface Search {
  readonly question: readonly Asked[];
  readonly scope: Scope;
  readonly after: SearchPlace | undefined;
  readonly limit: number;
}

/**
 * Searches what is kept of the catalogue and of what the rules hide in it. Undefined where that is not to be trusted,
 * since something that would be shown has changed; never with `anew`, which reads what is hidden once more.
 */
async function searchKept(
  target: ReachedDatabase,
  { question, scope, after, limit }: Search,
  { rules, anew }: { readonly rules: DataRules | undefined; readonly anew: boolean },
) {
  const work = async (session: ReachedSession) => {
    const { facts, hidden } = session;
    const { index, isWhole } = await catalogues.open(target, session, narrow(question, scope.schema));
    const sight = hidden && !anew ? hiddens.sightOf(hidden, index) : createSight(hidden, index);
    if (sight === undefined) return undefined;
    const overview = question.length === 0 ? overviewOf(index, sight, scope) : undefined;
    const hits = overview?.hits ?? searchCatalogue(index, sight, question, scope);
    const { rows, shown, last } = pageOfHits(hits, sight, { after, limit });
    const schemas = after === undefined ? overview?.schemas : undefined;
    if (rules && hidden && !anew && hiddens.isReused(hidden)) {
      const named = (schemas ?? []).map(({ schema }) => schema);
      const mayShow = await mayStillShow(session, { rules, hidden }, { shown, schemas: named });
      if (!mayShow) {
        catalogues.forget(target, session);
        return undefined;
      }
    }
    return { rows, last, total: hits.length, schemas, facts, isWhole };
  };
  return target.readOnly(work, { hidden: hiddens.reader(target, { anew }) });
}

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
