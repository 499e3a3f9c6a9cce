import type { ReadOnlySession } from '../postgres/database.ts';
import { addDefinitions, castsOfBuiltIns, type ReadDefinitions } from './add-definitions.ts';
import { loadBuiltIns } from './built-ins.ts';
import { definitionsStatement } from './catalog-definitions.ts';
import { addNames, emptyDraft, keyOf, type CatalogDraft, type RelationDraft } from './catalog-draft.ts';
import { factsOf } from './catalog-facts.ts';
import { NAMES } from './catalog-names.ts';
import { decodeCatalog, type DefinitionRows, type NameRows } from './catalog-rows.ts';
import type { CatalogFacts, Reach } from './facts.ts';
import { FIRST_USER_OID } from './function-facts.ts';
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
    const names = collectNames(draft, wanted, asked);
    await addBuiltIns(draft, session, names);
    await lookUp(draft, session, { path, names, isStatement });
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
  const oids = Object.entries(lists).flatMap(([list, members]) => members.map((oid) => ({ list, oid })));
  const statement = definitionsStatement(session.facts.major);
  const answer = await session.query(statement, { oids: JSON.stringify(oids) });
  const rows = decodeCatalog(answer) as DefinitionRows;
  if (!/^pg_catalog(, pg_temp)?$/.test(rows.search_path)) {
    throw new Error('Definitions are read under a search_path of pg_catalog, which shows every other schema.');
  }
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
  for (const name of draft.rows) add('relations', name);
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
  const all = KINDS.flatMap((kind) => [...names[kind].values()]);
  if (all.length === 0) return;
  const rows = decodeCatalog(
    await session.query(NAMES, {
      path: JSON.stringify(path),
      spaces: JSON.stringify([...new Set(all.flatMap(({ schema }) => schema ?? []))]),
      names: JSON.stringify(KINDS.flatMap((kind) => listOf(kind, names[kind]))),
    }),
  ) as NameRows;
  // PostgreSQL folds and cuts such names otherwise than the parser does, which takes every text for UTF-8
  const isTrusted = (name: string) => !isStatement || rows.encoding === 'UTF8' || /^[ -~]*$/.test(name);
  addNames(draft, rows, isTrusted);
}

const KINDS = ['relations', 'functions', 'operators', 'types'] as const;

function listOf(kind: keyof Names, names: ReadonlyMap<string, QualifiedName>) {
  return [...names.values()].map(({ schema = '', name }) => ({ kind, schema, name }));
}

/** Of names that can be of `pg_catalog`, what initdb made. */
async function addBuiltIns(draft: CatalogDraft, session: ReadOnlySession, names: Names): Promise<void> {
  const wanted = { functions: systemNames(names.functions), operators: systemNames(names.operators) };
  const known = await loadBuiltIns(session, wanted);
  for (const kind of ['functions', 'operators'] as const)
    for (const name of wanted[kind]) draft.builtIns[kind].set(name, known[kind].get(name) ?? []);
}

function systemNames(names: ReadonlyMap<string, QualifiedName>): ReadonlySet<string> {
  const found = [...names.values()].filter(({ schema }) => schema === undefined || schema === 'pg_catalog');
  return new Set(found.map(({ name }) => name));
}
