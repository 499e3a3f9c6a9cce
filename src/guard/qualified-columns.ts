import type { Edit } from './edit.ts';
import type { HiddenReference } from './mask-statement.ts';
import type { NameTokens } from './name-tokens.ts';
import type { References } from './references.ts';

/**
 * Takes the schema away from `schema.table.column` where the table has become a sub-select, whose columns cannot be named
 * so. Undefined where the rest could then mean another table: anything else in the statement that may have that name.
 */
export function editQualifiedColumns(
  names: NameTokens,
  references: References,
  { found, edits }: { readonly found: readonly HiddenReference[]; readonly edits: readonly Edit[] },
): Edit[] | undefined {
  const unnamed = found.filter(({ reference }) => reference.alias === undefined && reference.form === 'from');
  const tables = new Map(unnamed.map((each) => [JSON.stringify([each.relation.schema, each.relation.name]), each]));
  const all: Edit[] = [];
  for (const { relation, reference } of tables.values()) {
    const own = findColumns(names, relation).filter(({ start }) => !edits.some((edit) => contains(edit, start)));
    if (own.length === 0) continue;
    if (found.some((each) => each.reference.name === reference.name && each.relation.oid !== relation.oid))
      return undefined;
    if (isAmbiguous(names, references, { name: reference.name, schema: relation.schema, edits })) return undefined;
    all.push(...own);
  }
  return all;
}

function findColumns(names: NameTokens, { schema, name }: { readonly schema: string; readonly name: string }): Edit[] {
  return names.tokens.flatMap((token, i) => {
    const isColumn =
      names.identifier(i) === schema &&
      names.is(i + 1, '.') &&
      names.identifier(i + 2) === name &&
      names.is(i + 3, '.') &&
      !names.is(i - 1, '.') &&
      !isCall(names, i + 4);
    return isColumn ? [{ start: token.start, end: names.tokens[i + 2]?.start ?? token.end, text: '' }] : [];
  });
}

function isCall(names: NameTokens, index: number): boolean {
  const after = names.afterIdentifier(index);
  return after !== undefined && names.is(after, '(');
}

interface Named {
  readonly name: string;
  readonly schema: string;
  readonly edits: readonly Edit[];
}

/** Whether anything but the table can have its name: another relation, a function in FROM, an alias, a CTE, a column. */
function isAmbiguous(names: NameTokens, references: References, { name, schema, edits }: Named): boolean {
  if (references.ctes.has(name) || references.functions.some((each) => each.name === name)) return true;
  if (references.relations.some((each) => each.name === name && (each.schema ?? schema) !== schema)) return true;
  return names.tokens.some((token, i) => {
    const identifier = names.identifier(i);
    if (identifier !== name && !(token.kind === 'name' && identifier === undefined)) return false;
    return !names.is(i - 1, '.') && !names.is(i + 1, '.') && !edits.some((edit) => contains(edit, token.start));
  });
}

function contains({ start, end }: Edit, unit: number): boolean {
  return unit >= start && unit < end;
}
