import { quoteIdentifier } from '../../kit/index.ts';
import type { Candidate } from './candidate.ts';
import { columnOf, type AdvisedTable } from './tables.ts';
import type { Condition } from './use.ts';

/** What the database has that an index may need. */
export interface Installed {
  /** The schema of pg_trgm. */
  readonly trigram: string | undefined;
}

const TEXT: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext']);

/** Indexes for conditions that a B-tree does not answer: parts of texts, of documents and of arrays; and for prefixes. */
export function proposeForParts(table: AdvisedTable, set: readonly Condition[], installed: Installed): Candidate[] {
  return set.flatMap((condition) => {
    if (condition.kind === 'pattern') return proposeForPattern(table, condition, installed);
    return condition.kind === 'contains' ? proposeForContained(table, set, condition) : [];
  });
}

/** `'abc%'`, of which the beginning is known. */
const PREFIX = /^'[^%_\\']+%'$/;
/** Three letters in a row, without which no trigram can be looked up. */
const TRIGRAM = /[\p{L}\p{N}]{3}/u;

function proposeForPattern(table: AdvisedTable, condition: Condition, { trigram }: Installed): Candidate[] {
  const { key, operator, pattern } = condition;
  const column = columnOf(table, key.columns[0] ?? '');
  if (!key.isExpression && !TEXT.has(column?.type ?? '')) return [];
  if (operator === '~~' && pattern !== undefined && PREFIX.test(pattern)) {
    const operatorClass = column?.collatesC === true && !key.isExpression ? undefined : 'pg_catalog.text_pattern_ops';
    return [candidate(table, condition, { method: 'btree', operatorClass, purpose: 'the beginning of a text' })];
  }
  if (trigram === undefined || (pattern !== undefined && !TRIGRAM.test(pattern))) return [];
  const operatorClass = `${quoteIdentifier(trigram)}.gin_trgm_ops`;
  return [candidate(table, condition, { method: 'gin', operatorClass, purpose: 'a part of a text' })];
}

/** Of jsonb, what the smaller and quicker operator class answers. */
const BY_PATH: ReadonlySet<string> = new Set(['@>', '@?', '@@']);

function proposeForContained(table: AdvisedTable, set: readonly Condition[], condition: Condition): Candidate[] {
  const { key, operator } = condition;
  const type = key.isExpression ? 'tsvector' : (columnOf(table, key.columns[0] ?? '')?.type ?? '');
  const made = (method: Candidate['method'], operatorClass?: string) => [
    candidate(table, condition, { method, operatorClass, purpose: `what ${operator} asks for` }),
  ];
  if (type === 'jsonb') {
    const all = set.filter((each) => each.kind === 'contains' && each.key.text === key.text);
    return made('gin', all.every((each) => BY_PATH.has(each.operator)) ? 'pg_catalog.jsonb_path_ops' : undefined);
  }
  if (type === 'tsvector') return operator === '@@' ? made('gin') : [];
  if (type.endsWith('[]') || type === 'hstore') return operator === '@@' || operator === '@?' ? [] : made('gin');
  return type.endsWith('range') || GEOMETRIC.has(type) ? made('gist') : [];
}

const GEOMETRIC: ReadonlySet<string> = new Set(['box', 'circle', 'polygon', 'point', 'geometry', 'geography']);

function candidate(
  table: AdvisedTable,
  { key }: Condition,
  {
    method,
    operatorClass,
    purpose,
  }: { method: Candidate['method']; operatorClass: string | undefined; purpose: string },
): Candidate {
  const only = { ...key, isDescending: false, nullsFirst: false, operatorClass };
  return { table, method, keys: [only], equalities: 0, include: [], predicate: undefined, purpose };
}
