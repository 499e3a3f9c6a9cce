/** Parse trees as references, for tests of what the catalogue says of them. */
import { createParser, type Parser } from '../src/sqltext/parser.ts';
import type { ReadDefinitions } from '../src/guard/add-definitions.ts';
import type { References } from '../src/guard/references.ts';

type Node = Readonly<Record<string, unknown>>;

interface Lists {
  readonly relations: References['relations'][number][];
  readonly functions: References['functions'][number][];
  readonly operators: References['operators'][number][];
  readonly types: References['types'][number][];
  readonly attributes: References['attributes'][number][];
  readonly ctes: Set<string>;
}

export const parser: Parser = createParser();

export const readDefinitions: ReadDefinitions = async (texts) => {
  const outcomes = await parser.ask('tree', texts);
  return outcomes.map((outcome) => (outcome.kind === 'tree' ? referencesOf(JSON.parse(outcome.json)) : undefined));
};

export async function referencesIn(text: string): Promise<References> {
  const [references] = await readDefinitions([text]);
  if (references === undefined) throw new Error(`It does not parse: ${text}`);
  return references;
}

function referencesOf(tree: unknown): References {
  const lists: Lists = { relations: [], functions: [], operators: [], types: [], attributes: [], ctes: new Set() };
  visit(lists, tree);
  return {
    ...lists,
    relations: lists.relations.filter(({ schema, name }) => schema !== undefined || !lists.ctes.has(name)),
  };
}

function visit(lists: Lists, node: unknown): void {
  if (Array.isArray(node)) for (const item of node) visit(lists, item);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const fields = node as Node;
  const at = Number(fields['location'] ?? -1);
  if (typeof fields['relname'] === 'string') {
    const schema = fields['schemaname'] as string | undefined;
    lists.relations.push({
      schema,
      name: fields['relname'],
      only: fields['inh'] !== true,
      alias: undefined,
      sampled: false,
      form: 'from',
      at,
    });
  }
  if (typeof fields['ctename'] === 'string') lists.ctes.add(fields['ctename']);
  if (fields['funcname'] !== undefined)
    lists.functions.push({ ...named(fields['funcname']), argumentCount: undefined, at });
  if (fields['A_Expr'] !== undefined) {
    const { name, lexpr } = fields['A_Expr'] as Node;
    lists.operators.push({ ...named(name), arity: lexpr === undefined ? 1 : 2, at });
  }
  if (Array.isArray(fields['names'])) lists.types.push({ ...named(fields['names']), at });
  for (const value of Object.values(fields)) visit(lists, value);
}

function named(list: unknown): { schema: string | undefined; name: string } {
  const names = (list as { String?: { sval?: string } }[]).map((item) => item.String?.sval ?? '');
  return { schema: names.at(-2), name: names.at(-1) ?? '' };
}
