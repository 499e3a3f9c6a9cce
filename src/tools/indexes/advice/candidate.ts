import { quoteIdentifier, quoteName } from '../../kit/index.ts';
import { columnOf, type AdvisedTable, type ExistingIndex, type ExistingKey } from './tables.ts';

/** An index that may help. */
export interface Candidate {
  readonly table: AdvisedTable;
  readonly method: 'btree' | 'gin' | 'gist';
  readonly keys: readonly CandidateKey[];
  /** How many of the first keys are compared for equality only, so that their order is free. */
  readonly equalities: number;
  readonly include: readonly string[];
  readonly predicate: Predicate | undefined;
  /** What it is for, in words that can follow "for". */
  readonly purpose: string;
}

export interface CandidateKey {
  /** As CREATE INDEX writes it. */
  readonly text: string;
  /** Those that it is made of. */
  readonly columns: readonly string[];
  readonly isExpression: boolean;
  readonly isDescending: boolean;
  readonly nullsFirst: boolean;
  /** With its schema, where it is not that of the type. */
  readonly operatorClass?: string | undefined;
}

export interface Predicate {
  readonly text: string;
  readonly columns: readonly string[];
  /** The share of rows that it holds for; null where that is not known. */
  readonly share: number | null;
}

/** Without a name: PostgreSQL chooses one that is free. */
export function definitionOf(candidate: Candidate, concurrently = false): string {
  const { table, method, keys, include, predicate } = candidate;
  return [
    `CREATE INDEX ${concurrently ? 'CONCURRENTLY ' : ''}ON ${quoteName(table.schema, table.name)}`,
    method === 'btree' ? '' : ` USING ${method}`,
    ` (${keys.map(keyText).join(', ')})`,
    include.length === 0 ? '' : ` INCLUDE (${include.map(quoteIdentifier).join(', ')})`,
    predicate === undefined ? '' : ` WHERE ${predicate.text}`,
  ].join('');
}

function keyText({ text, isDescending, nullsFirst, operatorClass }: CandidateKey): string {
  return [
    text,
    operatorClass === undefined ? '' : ` ${operatorClass}`,
    isDescending ? ' DESC' : '',
    nullsFirst === isDescending ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST',
  ].join('');
}

/** All columns of the table that it holds or goes by. */
export function columnsOf({ keys, include, predicate }: Candidate): ReadonlySet<string> {
  return new Set([...keys.flatMap(({ columns }) => columns), ...include, ...(predicate?.columns ?? [])]);
}

/** The index of the table that already does what the candidate would do. */
export function servedBy(candidate: Candidate): ExistingIndex | undefined {
  if (candidate.method !== 'btree' || candidate.predicate !== undefined) return undefined;
  const { keys, equalities, include } = candidate;
  return candidate.table.indexes.find((index) => {
    if (!isPlainTree(index) || index.keys.length < keys.length) return false;
    const holds = new Set([...index.keys.map(({ column }) => column), ...index.include]);
    const first = index.keys.slice(0, equalities);
    return (
      keys.slice(0, equalities).every((key) => first.some((each) => isSame(key, each))) &&
      keys.slice(equalities).every((key, i) => isSameInOrder(key, index.keys[equalities + i])) &&
      include.every((column) => holds.has(column))
    );
  });
}

/** Indexes that it would make needless: their keys are its first ones, and nothing but queries needs them. */
export function replacedBy(candidate: Candidate): ExistingIndex[] {
  if (candidate.method !== 'btree' || candidate.predicate !== undefined) return [];
  const holds = columnsOf(candidate);
  return candidate.table.indexes.filter(
    (index) =>
      isPlainTree(index) &&
      !index.isUnique &&
      !index.isNeeded &&
      index.keys.length <= candidate.keys.length &&
      index.keys.every((each, i) => isSameInOrder(candidate.keys[i], each)) &&
      index.include.every((column) => holds.has(column)),
  );
}

function isPlainTree({ method, isPartial }: ExistingIndex): boolean {
  return method === 'btree' && !isPartial;
}

function isSame(key: CandidateKey | undefined, existing: ExistingKey | undefined): boolean {
  if (key === undefined || existing === undefined) return false;
  return !key.isExpression && existing.isPlain && key.operatorClass === undefined && existing.column === key.columns[0];
}

function isSameInOrder(key: CandidateKey | undefined, existing: ExistingKey | undefined): boolean {
  return (
    isSame(key, existing) && key?.isDescending === existing?.isDescending && key?.nullsFirst === existing?.nullsFirst
  );
}

/** Of a tuple of an index and of the pointer to it: https://www.postgresql.org/docs/current/storage-page-layout.html */
const TUPLE_BYTES = 8;
const POINTER_BYTES = 4;
/** In a list of rows with one key, from PostgreSQL 13 on. */
const POSTING_BYTES = 6;
const FILL = 0.9;
const PAGE_BYTES = 8192;
/** The value of an expression is taken to be as long as this. */
const EXPRESSION_BYTES = 16;

/** Bytes that it would take; null where that cannot be told before it is built. */
export function sizeOf(candidate: Candidate, major: number): number | null {
  const { table, keys, include, predicate, method } = candidate;
  if (method !== 'btree') return null;
  const rows = table.rows * (predicate?.share ?? 1);
  const widths = [
    ...keys.map((key) => widthOf(table, key)),
    ...include.map((name) => columnOf(table, name)?.width ?? 8),
  ];
  const tuple = TUPLE_BYTES + Math.ceil(widths.reduce((sum, width) => sum + width, 0) / 8) * 8 + POINTER_BYTES;
  const shared = major >= 13 && include.length === 0 ? distinctOf(table, keys) : null;
  const bytes = shared === null || shared >= rows / 2 ? rows * tuple : shared * tuple + rows * POSTING_BYTES;
  return Math.max(2, Math.ceil(bytes / (PAGE_BYTES * FILL)) + 1) * PAGE_BYTES;
}

function widthOf(table: AdvisedTable, { columns, isExpression }: CandidateKey): number {
  return isExpression ? EXPRESSION_BYTES : (columnOf(table, columns[0] ?? '')?.width ?? 8);
}

/** How many different keys there are, as if columns had nothing to do with each other. */
function distinctOf(table: AdvisedTable, keys: readonly CandidateKey[]): number | null {
  let product = 1;
  for (const { columns, isExpression } of keys) {
    const distinct = isExpression ? null : (columnOf(table, columns[0] ?? '')?.distinct ?? null);
    if (distinct === null) return null;
    product = Math.min(product * Math.max(distinct, 1), table.rows);
  }
  return product;
}
