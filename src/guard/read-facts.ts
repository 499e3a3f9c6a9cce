import type { ReadOnlySession, Result } from '../postgres/database.ts';
import { addDefinitions, castsOfBuiltIns, type ReadDefinitions } from './add-definitions.ts';
import { definitionsStatement } from './catalog-definitions.ts';
import { addNames, emptyDraft, FIRST_USER_OID, keyOf, type CatalogDraft, type RelationDraft } from './catalog-draft.ts';
import { factsOf } from './catalog-facts.ts';
import { NAMES } from './catalog-names.ts';
import type { DefinitionRows, NameRows } from './catalog-rows.ts';
import type { CatalogFacts, Reach } from './facts.ts';
import type { QualifiedName } from './name.ts';
import { isNothing, planReading, type Reading } from './plan-reading.ts';
import { reachOfTypes } from './reach.ts';
import type { References } from './references.ts';

/** How deep definitions may stand on each other. */
const MAX_LEVELS = 32;

/**
 * What the database says of everything that the references reach, at one round trip a level of definitions, or two. The
 * session is that of the login that runs the statement. Rejects with the errors of the session.
 */
export async function readFacts(
  session: ReadOnlySession,
  path: readonly string[],
  references: References,
  readDefinitions: ReadDefinitions,
): Promise<CatalogFacts> {
  const { major } = session.facts;
  const draft = emptyDraft();
  const asked = newNames();
  let wanted: readonly References[] = [references];
  for (let level = 0; level < MAX_LEVELS && wanted.length > 0; level++) {
    const isStatement = level === 0;
    await lookUp(draft, session, { path, names: collectNames(draft, wanted, asked), isStatement });
    if (isStatement) draft.unnamed.push(...castsOfBuiltIns(draft));
    const reading = planReading(draft, wanted, isStatement);
    const added: readonly Reach[] = isNothing(reading) ? [] : await readLevel(draft, session, reading, readDefinitions);
    for (const relation of reading.relations) addColumnTypes(draft, relation);
    wanted = isStatement ? [...draft.unnamed, ...added] : added;
  }
  const returned = typesOf(draft, draft.returned);
  if (returned.length > 0) draft.unnamed.push(reachOfTypes(returned));
  // what the deepest reach is not known
  if (wanted.length > 0) for (const relation of draft.relations.values()) relation.unreadable = true;
  return factsOf(draft, major, path);
}

async function readLevel(
  draft: CatalogDraft,
  session: ReadOnlySession,
  reading: Reading,
  readDefinitions: ReadDefinitions,
): Promise<readonly Reach[]> {
  const { relations: _, ...lists } = reading;
  const rows = decode(await session.query(definitionsStatement(session.facts.major), lists)) as DefinitionRows;
  return addDefinitions(draft, rows, readDefinitions);
}

function addColumnTypes(draft: CatalogDraft, relation: RelationDraft): void {
  const types = typesOf(draft, new Set(relation.columns.map(({ typeOid }) => typeOid)));
  if (types.length > 0) relation.reaches.push(reachOfTypes(types));
}

/** Those that users or extensions have made. */
function typesOf(draft: CatalogDraft, oids: Iterable<number>): readonly QualifiedName[] {
  return [...oids].filter((oid) => oid >= FIRST_USER_OID).flatMap((oid) => draft.types.get(oid) ?? []);
}

interface Names {
  readonly relations: Map<string, QualifiedName>;
  readonly functions: Map<string, QualifiedName>;
  readonly operators: Map<string, QualifiedName>;
  readonly types: Map<string, QualifiedName>;
}

function newNames(): Names {
  return { relations: new Map(), functions: new Map(), operators: new Map(), types: new Map() };
}

/** Those that were not asked for yet; they are now. */
function collectNames(draft: CatalogDraft, wanted: readonly References[], asked: Names): Names {
  const names = newNames();
  const add = (kind: keyof Names, name: QualifiedName) => {
    const key = keyOf(name);
    if (asked[kind].has(key)) return;
    asked[kind].set(key, name);
    names[kind].set(key, name);
  };
  for (const { relations, functions, operators, types, attributes, ctes } of wanted) {
    for (const name of relations) add('relations', name);
    for (const name of ctes) add('relations', { schema: undefined, name });
    for (const name of functions) add('functions', name);
    for (const { name } of attributes) add('functions', { schema: undefined, name });
    for (const name of operators) add('operators', name);
    for (const name of types) if (!draft.typesByName.has(keyOf(name))) add('types', name);
  }
  return names;
}

interface LookUp {
  readonly path: readonly string[];
  readonly names: Names;
  /** Names of the caller's text, and not of PostgreSQL's own. */
  readonly isStatement: boolean;
}

async function lookUp(draft: CatalogDraft, session: ReadOnlySession, request: LookUp): Promise<void> {
  const { path, names, isStatement } = request;
  const all = [names.relations, names.functions, names.operators, names.types].flatMap((kind) => [...kind.values()]);
  if (all.length === 0) return;
  const rows = decode(
    await session.query(NAMES, {
      path,
      spaces: [...new Set(all.flatMap(({ schema }) => schema ?? []))],
      ...columns('relation', names.relations),
      ...columns('function', names.functions),
      ...columns('operator', names.operators),
      ...columns('type', names.types),
    }),
  ) as NameRows;
  // PostgreSQL folds and cuts such names otherwise than the parser does, which takes every text for UTF-8
  const isTrusted = (name: string) => !isStatement || rows.encoding === 'UTF8' || /^[ -~]*$/.test(name);
  addNames(draft, rows, isTrusted);
}

function columns(kind: string, names: ReadonlyMap<string, QualifiedName>): Record<string, readonly string[]> {
  const all = [...names.values()];
  return { [`${kind}_schemas`]: all.map(({ schema }) => schema ?? ''), [`${kind}_names`]: all.map(({ name }) => name) };
}

/** One object; an aggregate over no rows is null. */
function decode({ rows: [row] }: Result): unknown {
  const parts = JSON.parse(row?.[0] ?? '') as Record<string, unknown>;
  return Object.fromEntries(Object.entries(parts).map(([name, rows]) => [name, rows ?? []]));
}
