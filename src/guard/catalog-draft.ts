import type { BuiltIns } from './built-ins.ts';
import type { NameRows, RelationRow, TypeRow } from './catalog-rows.ts';
import type { FunctionFacts, Reach, RelationFacts, RelationKind, TypeFacts } from './facts.ts';
import { FIRST_USER_OID, functionFacts } from './function-facts.ts';
import type { QualifiedName } from './name.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A relation while what it reaches is still being read. */
export interface RelationDraft extends Mutable<Omit<RelationFacts, 'family' | 'descendants' | 'reaches'>> {
  readonly rowSecurity: boolean;
  readonly hasVirtualColumns: boolean;
  readonly reaches: Reach[];
  /** Whether its definitions were read already, as of a relation that is named. */
  wasRead: boolean;
  /** Whose policies were: those for the login, or those for any role, which views of others have it read as. */
  policiesRead: 'none' | 'own' | 'all';
}

export interface TypeDraft extends Mutable<Omit<TypeFacts, 'reaches'>> {
  readonly reaches: Reach[];
}

/** What was read so far. The keys of names are those of `keyOf`. */
export interface CatalogDraft {
  readonly relations: Map<number, RelationDraft>;
  readonly relationsByName: Map<string, number>;
  readonly inherits: Set<string>;
  readonly functions: Map<number, FunctionFacts>;
  readonly functionsByName: Map<string, number[]>;
  readonly operatorsByName: Map<string, number[]>;
  readonly types: Map<number, TypeDraft>;
  readonly typesByName: Map<string, number>;
  /** What the composite types are rows of, which has their name: a relation, or nothing but the type. */
  readonly rows: QualifiedName[];
  readonly builtIns: { -readonly [K in keyof BuiltIns]: Map<string, readonly FunctionFacts[]> };
  /** Types that functions of users and extensions return. */
  readonly returned: Set<number>;
  casts: NameRows['casts'];
  readonly unnamed: Reach[];
}

export function emptyDraft(): CatalogDraft {
  return {
    relations: new Map(),
    relationsByName: new Map(),
    inherits: new Set(),
    functions: new Map(),
    functionsByName: new Map(),
    operatorsByName: new Map(),
    types: new Map(),
    typesByName: new Map(),
    rows: [],
    builtIns: { functions: new Map(), operators: new Map() },
    returned: new Set(),
    casts: [],
    unnamed: [],
  };
}

export function keyOf({ schema, name }: QualifiedName): string {
  return `${schema ?? ''}\0${name}`;
}

const RELATION_KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
  c: 'composite type',
  t: 'TOAST table',
  i: 'index',
  I: 'index',
};

const TYPE_KINDS: Readonly<Record<string, TypeFacts['kind']>> = {
  a: 'array',
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  p: 'pseudo',
  r: 'range',
  m: 'multirange',
};

/** Takes in what there is of the names that were asked for; a name that is not trusted is one that is not there. */
export function addNames(draft: CatalogDraft, rows: NameRows, isTrusted: (name: string) => boolean): void {
  for (const [parent, child] of rows.inherits) draft.inherits.add(`${parent} ${child}`);
  for (const row of rows.relations) if (!draft.relations.has(row.oid)) draft.relations.set(row.oid, relationDraft(row));
  addFunctions(draft, rows);
  addBuiltInTypes(draft, rows);
  for (const [schema, name, oid] of rows.named)
    if (isTrusted(name)) draft.relationsByName.set(keyOf({ schema, name }), oid);
  for (const [schema, name, oid] of rows.types)
    if (isTrusted(name)) draft.typesByName.set(keyOf({ schema, name }), oid);
  for (const [byOperator, schema, name, oid] of rows.called) {
    const byName = byOperator ? draft.operatorsByName : draft.functionsByName;
    if (isTrusted(name)) append(byName, keyOf({ schema, name }), oid);
  }
  draft.casts = rows.casts;
}

function addBuiltInTypes(draft: CatalogDraft, { types }: NameRows): void {
  for (const [, , oid, schema, name, kind] of types) {
    if (oid >= FIRST_USER_OID || draft.types.has(oid)) continue;
    draft.types.set(oid, typeDraft({ oid, schema, name, kind, extension: null, parts: null, calls: null }));
  }
}

function relationDraft(row: RelationRow): RelationDraft {
  const columns = row.columns ?? [];
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: RELATION_KINDS[row.kind] ?? 'index',
    isSystem: row.oid < FIRST_USER_OID && isSystemSchema(row.schema),
    columns: columns.map(([name, number, typeOid, , from, base]) => ({
      name,
      number,
      typeOid,
      baseType: base === null ? undefined : { oid: base[0], category: base[1] },
      generatedFrom: from ?? [],
    })),
    extension: row.extension ?? undefined,
    hasWriteRules: row.write_rules,
    runsProgram: row.program,
    rowSecurity: row.row_security,
    hasVirtualColumns: columns.some(([, , , generated]) => generated === 'v'),
    reaches: [],
    unreadable: false,
    wasRead: false,
    policiesRead: 'none',
  };
}

export function typeDraft(row: TypeRow): TypeDraft {
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: TYPE_KINDS[row.kind] ?? 'base',
    isBuiltIn: row.oid < FIRST_USER_OID && isSystemSchema(row.schema),
    extension: row.extension ?? undefined,
    reaches: [],
    unreadable: false,
  };
}

function addFunctions(draft: CatalogDraft, rows: NameRows): void {
  for (const fact of functionFacts(rows)) draft.functions.set(fact.oid, fact);
  for (const { oid, result } of rows.functions)
    if (oid >= FIRST_USER_OID && result >= FIRST_USER_OID) draft.returned.add(result);
}

function isSystemSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema';
}

function append(map: Map<string, number[]>, key: string, oid: number): void {
  const oids = map.get(key);
  if (oids === undefined) map.set(key, [oid]);
  else if (!oids.includes(oid)) oids.push(oid);
}
