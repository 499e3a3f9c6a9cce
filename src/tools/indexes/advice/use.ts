import type { AdvisedTable } from './tables.ts';

/** What an index could have as a key: a column, or an expression of columns of one table. */
export interface Key {
  /** As CREATE INDEX writes it. */
  readonly text: string;
  readonly columns: readonly string[];
  readonly isExpression: boolean;
}

/** How a condition narrows a relation down. */
export type ConditionKind =
  /** `=`, also with one of several values. */
  | 'equal'
  /** An order relation: `<`, BETWEEN and the like. */
  | 'range'
  /** What only goes in the condition of a partial index: IS NULL, IS NOT NULL, a boolean column. */
  | 'state'
  /** LIKE, ILIKE and regular expressions. */
  | 'pattern'
  /** `@>`, `?`, `@@` and others of values that have parts. */
  | 'contains';

export interface Condition {
  readonly key: Key;
  readonly kind: ConditionKind;
  readonly operator: string;
  /** What it is compared with: a value of another relation of the statement, or one that is the same for every row. */
  readonly with: 'constant' | 'join';
  /** The whole condition, where it names constants only and could be that of a partial index. */
  readonly predicate?: string | undefined;
  /** The literal pattern, as SQL writes it. */
  readonly pattern?: string | undefined;
}

export interface OrderKey {
  readonly key: Key;
  readonly isDescending: boolean;
  readonly nullsFirst: boolean;
}

/** One place in a statement where a table is read, and all that is asked of it there. */
export interface Occurrence {
  readonly table: AdvisedTable;
  /** All of these hold. */
  readonly conditions: Condition[];
  /** Sets of which one holds, in addition: the arms of an OR. */
  readonly alternatives: Condition[][];
  /** Orders that would save a sort; with `limit` only the first rows of it are wanted. */
  readonly orders: { readonly keys: readonly OrderKey[]; readonly limit: boolean }[];
  /** Keys that rows are brought together by. */
  readonly groups: (readonly Key[])[];
  /** Columns that the statement needs, `whole`: all of them. */
  readonly used: Set<string>;
  whole: boolean;
}

/** What one statement asks of tables. */
export interface StatementUse {
  readonly occurrences: readonly Occurrence[];
  /** Columns that it changes, by OID of the table. */
  readonly written: ReadonlyMap<string, ReadonlySet<string>>;
}

export function createOccurrence(table: AdvisedTable): Occurrence {
  return { table, conditions: [], alternatives: [], orders: [], groups: [], used: new Set(), whole: false };
}
