import { z } from 'zod';
import {
  defineTool,
  limitInput,
  nameInput,
  readParts,
  schemaInput,
  statementsOf,
  type NotExamined,
} from '../kit/index.ts';
import { FUNCTION_KINDS, functions, functionSource } from './functions.ts';

const PARTS = { functions, functionSource };
const functionRow = functions.shape.omit({ total_rows: true });

export default defineTool({
  name: 'list_functions',
  area: 'schema',
  accessClass: 'schema',
  title: 'Functions',
  description: 'Functions and procedures: arguments, result, language, volatility, security definer, search_path.',
  judges: false,
  seldom: ['kind', 'language', 'extensions'],
  input: {
    schema: schemaInput,
    name: nameInput.describe('For the source exact, or name(types).'),
    kind: z.enum(FUNCTION_KINDS).optional(),
    language: z.string().min(1).max(63).optional(),
    source: z.boolean().default(false),
    extensions: z.boolean().default(false).describe('Those of extensions, too.'),
    limit: limitInput(),
  },
  output: {
    rows: z.array(functionRow),
    truncated: z.boolean(),
    total: z.int().min(0),
    source: functionSource.shape.shape.source.optional(),
  },
  statements: statementsOf(PARTS),
  async run(input, target) {
    const { schema = null, name = null, kind = null, language = null } = input;
    const { parts, unreadable, facts } = await readParts(target, PARTS, { ...input, schema, name, kind, language });
    const total = parts.functions[0]?.total_rows ?? 0;
    const [body] = parts.functionSource;
    return {
      rows: parts.functions.map((row) => functionRow.parse(row)),
      truncated: total > parts.functions.length,
      total,
      ...(body && { source: body.source }),
      facts,
      findings: [],
      not_examined: [...unreadable, ...(input.source ? withoutSource(total, parts.functions[0]?.kind, body) : [])],
    };
  },
});

/** Why there is no source, though it was asked for. */
function withoutSource(
  total: number,
  kind: (typeof FUNCTION_KINDS)[number] | undefined,
  body: { readonly source: string | null } | undefined,
): NotExamined[] {
  const what = 'the source of the function';
  if (total > 1) {
    const remedy = 'Name one: give its schema, and name(types) as in total(integer, text).';
    return [{ what, reason: `${total} functions are meant.`, remedy }];
  }
  if (total === 0) {
    const remedy = 'Ask without source for those whose name contains a text.';
    return [{ what, reason: 'No function is meant: `name` is its exact name, or name(types).', remedy }];
  }
  if (body?.source !== null) return [];
  if (kind === 'aggregate') return [{ what, reason: 'An aggregate has none of its own.' }];
  const reason = 'A session holds or awaits an exclusive lock on what it reads, and reading it would wait.';
  return [{ what, reason, remedy: 'activity shows who blocks whom.' }];
}
