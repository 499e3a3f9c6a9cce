import type { AttributeReference } from './references.ts';
import { isObject, listOf, namesOf, textOf, type Fields, type TreeNode } from './tree.ts';

/** How many items of FROM have a name, and how many of them are relations or functions; `''` is a function of unknown name. */
export type Aliases = Map<string, { all: number; relations: number; functions: number }>;

/** Counts the names of an item of FROM that is no relation. */
export function readAlias(aliases: Aliases, { type, fields }: TreeNode): void {
  const { alias } = fields;
  const kind = type === 'RangeFunction' ? 'functions' : 'other';
  if (isObject(alias)) countAlias(aliases, textOf(alias['aliasname']) ?? '', kind);
  else for (const call of listOf(fields['functions'])) countAlias(aliases, functionAlias(call.fields), kind);
}

/** A function in FROM goes by its own name where it is given none. */
function functionAlias({ items }: Fields): string {
  const [call] = listOf(items);
  return namesOf(call?.fields['funcname'])?.at(-1) ?? '';
}

export function countAlias(aliases: Aliases, name: string, kind: 'relations' | 'functions' | 'other'): void {
  const { all, relations, functions } = aliases.get(name) ?? { all: 0, relations: 0, functions: 0 };
  aliases.set(name, {
    all: all + 1,
    relations: relations + (kind === 'relations' ? 1 : 0),
    functions: functions + (kind === 'functions' ? 1 : 0),
  });
}

/**
 * Keeps the qualifier only where everything of that name in the statement is a relation. The row of a function that
 * returns a plain value is that value: `u.f` calls f(text) of `unnest(…) u`.
 */
export function plainAttribute(aliases: Aliases, attribute: AttributeReference): AttributeReference {
  const { qualifier, onlyRow } = attribute;
  if (!onlyRow || qualifier === undefined) return attribute;
  const { all = 0, relations = 0, functions = 0 } = aliases.get(qualifier) ?? {};
  return {
    ...attribute,
    qualifier: all > 0 && all === relations ? qualifier : undefined,
    onlyRow: functions === 0 && !aliases.has(''),
  };
}
