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

function visit(lists: Lists, node: unknown, place = ''): void {
  if (Array.isArray(node)) for (const item of node) visit(lists, item);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const fields = node as Node;
  addRelation(lists, fields, place);
  addCalls(lists, fields);
  for (const [field, value] of Object.entries(fields)) {
    visit(lists, value, field === 'RangeVar' || place === 'RangeTableSample' ? place : field);
  }
}

function addRelation({ relations, ctes }: Lists, fields: Node, place: string): void {
  if (typeof fields['ctename'] === 'string') ctes.add(fields['ctename']);
  if (typeof fields['relname'] !== 'string') return;
  relations.push({
    schema: fields['schemaname'] as string | undefined,
    name: fields['relname'],
    only: fields['inh'] !== true,
    alias: undefined,
    sampled: place === 'RangeTableSample',
    form: place === 'relation' ? 'target' : 'from',
    at: locationOf(fields),
  });
}

function addCalls({ functions, operators, types }: Lists, fields: Node): void {
  const at = locationOf(fields);
  if (fields['funcname'] !== undefined) functions.push({ ...named(fields['funcname']), argumentCount: undefined, at });
  if (Array.isArray(fields['names'])) types.push({ ...named(fields['names']), at });
  if (fields['A_Expr'] === undefined) return;
  const { name, lexpr } = fields['A_Expr'] as Node;
  operators.push({ ...named(name), arity: lexpr === undefined ? 1 : 2, at });
}

function locationOf(fields: Node): number {
  return typeof fields['location'] === 'number' ? fields['location'] : -1;
}

function named(list: unknown): { schema: string | undefined; name: string } {
  const names = (list as { String?: { sval?: string } }[]).map((item) => item.String?.sval ?? '');
  return { schema: names.at(-2), name: names.at(-1) ?? '' };
}
