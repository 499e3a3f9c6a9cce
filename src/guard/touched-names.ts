import { lex } from '../sqltext/lexer.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import { createNameTokens, type NameTokens } from './name-tokens.ts';
import type { References, RelationReference } from './references.ts';

/** What an approved statement reads. */
export interface Read {
  readonly sql: string;
  readonly references: References;
  /** All that it reaches. */
  readonly relations: readonly RelationFacts[];
  readonly facts: CatalogFacts;
}

/**
 * The relations and columns that a statement touches, such as `public.orders` and `public.orders.total`, for the record of
 * who saw what: rather one too many than one too few. `public.orders.*` is every column, as of a star or a whole row; of
 * what is read through views the relation alone is told.
 */
export function touchedNames({ sql, references, relations, facts }: Read): readonly string[] {
  const names = createNameTokens(sql, lex(sql));
  const words = new Set(names.tokens.flatMap((_, i) => names.identifier(i) ?? []));
  const isEscaped = names.tokens.some(({ kind }, i) => kind === 'name' && names.identifier(i) === undefined);
  const readsAll =
    isEscaped || names.tokens.some((_, i) => ['*', 'TABLE', 'NATURAL'].some((word) => names.is(i, word)));
  const touched = new Set(relations.map((relation) => show(relation)));
  for (const reference of references.relations) {
    const relation = facts.relation(reference);
    if (relation === undefined || relation.isSystem) continue;
    touched.add(show(relation));
    if (readsAll || isReadWhole(names, references, reference)) touched.add(`${show(relation)}.*`);
    for (const { name } of relation.columns) if (words.has(name)) touched.add(show(relation, name));
  }
  return [...touched].toSorted();
}

/** Whether its name or alias stands anywhere without a dot, other than where it is given. */
function isReadWhole(names: NameTokens, { relations }: References, { alias, name }: RelationReference): boolean {
  const called = alias ?? name;
  const given = relations.filter((each) => (each.alias ?? (each.schema === undefined ? each.name : '')) === called);
  const alone = names.tokens.filter(
    (_, i) => names.identifier(i) === called && !names.is(i - 1, '.') && !names.is(i + 1, '.'),
  );
  return alone.length > given.length;
}

function show({ schema, name }: { readonly schema: string; readonly name: string }, column?: string): string {
  return [schema, name, ...(column === undefined ? [] : [column])].map(quoteWhereNeeded).join('.');
}

function quoteWhereNeeded(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
