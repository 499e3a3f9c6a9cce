import { quoteIdentifier } from '../postgres/sql.ts';
import { unitOfByte, type Edit } from './edit.ts';
import type { NameTokens } from './name-tokens.ts';
import type { RelationReference } from './references.ts';

/** What a sub-select takes the place of. */
export interface MaskedPlace {
  readonly start: number;
  readonly end: number;
  /** The text that comes there. */
  write(subSelect: string): string;
  /** A clause behind the alias that has moved into the sub-select. */
  readonly rest?: Edit;
}

/** Finds a relation in the text by the tokens around its location; undefined where they are not what the parser saw. */
export function placeReference(sql: string, names: NameTokens, reference: RelationReference): MaskedPlace | undefined {
  const unit = unitOfByte(sql, reference.at);
  const first = unit === undefined ? undefined : names.indexAt(unit);
  const name = first === undefined ? undefined : names.qualifiedName(first);
  if (first === undefined || name === undefined || !isSame(name.parts, reference)) return undefined;
  const span = widen(names, { from: first, to: name.after, only: reference.only });
  if (span === undefined) return undefined;
  if (reference.form === 'table') return placeTable(names, span, reference);
  const alias = reference.alias === undefined ? ` ${quoteIdentifier(reference.name)}` : '';
  const extent = extentOf(names, span);
  if (!reference.sampled) return { ...extent, write: (subSelect) => `(${subSelect})${alias}` };
  const sample = findSample(sql, names, span.to, reference.alias !== undefined);
  if (sample === undefined) return undefined;
  const rest = { start: sample.start, end: sample.end, text: '' };
  return { ...extent, write: (subSelect) => `(${subSelect} ${sample.text})${alias}`, rest };
}

interface Span {
  /** The first token, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

function extentOf({ tokens }: NameTokens, { from, to }: Span): { start: number; end: number } {
  return { start: tokens[from]?.start ?? -1, end: tokens[to - 1]?.end ?? -1 };
}

function isSame(parts: readonly (string | undefined)[], { schema, name }: RelationReference): boolean {
  const wanted = schema === undefined ? [name] : [schema, name];
  const given = schema === undefined ? parts : parts.slice(-2);
  if (given.length !== wanted.length || parts.length > 3) return false;
  return given.every((part, i) => part === undefined || part === wanted[i]);
}

/** Takes in `ONLY`, its parentheses and the star that means the opposite of it. */
function widen(names: NameTokens, { from, to, only }: Span & { readonly only: boolean }): Span | undefined {
  if (!only) return { from, to: names.is(to, '*') ? to + 1 : to };
  if (names.is(from - 1, 'ONLY')) return { from: from - 1, to };
  const isGroup = names.is(from - 1, '(') && names.is(to, ')') && names.is(from - 2, 'ONLY');
  return isGroup ? { from: from - 2, to: to + 1 } : undefined;
}

function placeTable(names: NameTokens, { from, to }: Span, { name }: RelationReference): MaskedPlace | undefined {
  if (!names.is(from - 1, 'TABLE')) return undefined;
  const write = (subSelect: string) => `SELECT * FROM (${subSelect}) ${quoteIdentifier(name)}`;
  return { ...extentOf(names, { from: from - 1, to }), write };
}

/** `TABLESAMPLE method (…) REPEATABLE (…)` behind the alias, which may have names of columns. */
function findSample(
  sql: string,
  names: NameTokens,
  after: number,
  hasAlias: boolean,
): { readonly start: number; readonly end: number; readonly text: string } | undefined {
  const from = hasAlias ? afterAlias(names, after) : after;
  if (from === undefined || !names.is(from, 'TABLESAMPLE')) return undefined;
  const method = names.qualifiedName(from + 1);
  const group = method && names.afterGroup(method.after);
  if (group === undefined) return undefined;
  const to = names.is(group, 'REPEATABLE') ? names.afterGroup(group + 1) : group;
  if (to === undefined) return undefined;
  const { start, end } = extentOf(names, { from, to });
  return { start, end, text: sql.slice(start, end) };
}

function afterAlias(names: NameTokens, from: number): number | undefined {
  const alias = names.afterIdentifier(names.is(from, 'AS') ? from + 1 : from);
  return alias === undefined ? undefined : (names.afterGroup(alias) ?? alias);
}
