import { quoteIdentifier } from '../postgres/sql.ts';
import { lex } from '../sqltext/lexer.ts';
import { MAX_STATEMENT_BYTES } from '../sqltext/rejection.ts';
import type { DataAccess } from './access.ts';
import { applyEdits, overlap, writtenParts, type Edit } from './edit.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import { hiddenColumns, maskedColumnsOf, shownColumns } from './hidden-columns.ts';
import { maskExpression, type Hiding } from './mask-expression.ts';
import { placeReference } from './masked-place.ts';
import { editQualifiedColumns } from './qualified-columns.ts';
import { createNameTokens } from './name-tokens.ts';
import type { References, RelationReference } from './references.ts';
import { refuse } from './rules.ts';
import type { Refusal } from './verdict.ts';

export interface Masked {
  readonly text: string;
  readonly wantsMaskKey: boolean;
  readonly edits: readonly Edit[];
  /** `oid.attnum` of what is hidden of the relations that the statement names. */
  readonly maskedColumns: ReadonlySet<string>;
}

/** A relation of the statement with something hidden in it. */
export interface HiddenReference {
  readonly reference: RelationReference;
  readonly relation: RelationFacts;
  readonly hidden: ReadonlyMap<string, Hiding>;
}

/**
 * Puts masks into a statement: in the place of each relation with hidden columns comes a sub-select that shows what may
 * be seen of it, so that nothing else in the statement ever has the values. Whatever cannot be rewritten with certainty
 * is refused. What it gives must be parsed and go through `verifyMasked` before it is sent.
 */
export function maskStatement(
  sql: string,
  references: References,
  facts: CatalogFacts,
  access: DataAccess,
): Masked | Refusal {
  const unchanged: Masked = { text: sql, wantsMaskKey: false, edits: [], maskedColumns: new Set() };
  if (!access.hides) return unchanged;
  const found = findHidden(references, facts, access);
  if (!Array.isArray(found)) return found;
  if (found.length === 0) return unchanged;
  const edits = findEdits(sql, references, found);
  if (!Array.isArray(edits)) return edits;
  const wantsMaskKey = found.some(({ hidden }) => [...hidden.values()].includes('hash'));
  const text = applyEdits(sql, edits);
  if (Buffer.byteLength(text) > MAX_STATEMENT_BYTES) {
    return refuse('mask/size', 'With the masks of its columns the statement is too long.', -1);
  }
  const maskedColumns = maskedColumnsOf(
    found.map(({ relation }) => relation),
    facts,
    access,
  );
  return { text, wantsMaskKey, edits, maskedColumns };
}

/** Fails closed where a relation is not known: which rules hold for it is not known then. */
function findHidden(
  { relations }: Pick<References, 'relations'>,
  facts: CatalogFacts,
  access: DataAccess,
): HiddenReference[] | Refusal {
  const found: HiddenReference[] = [];
  for (const reference of relations) {
    const relation = facts.relation(reference);
    const hidden = relation && hiddenColumns(relation, facts, access);
    if (relation === undefined || hidden === undefined) {
      return refuse('mask/unknown-relation', `What is hidden of "${reference.name}" cannot be told.`, reference.at);
    }
    if (hidden.size > 0) found.push({ reference, relation, hidden });
  }
  return found.toSorted((a, b) => a.reference.at - b.reference.at);
}

function findEdits(sql: string, references: References, found: readonly HiddenReference[]): Edit[] | Refusal {
  const names = createNameTokens(sql, lex(sql));
  const edits: Edit[] = [];
  for (const each of found) {
    const { reference } = each;
    if (reference.form === 'target') {
      return refuse(
        'mask/target',
        `"${reference.name}" has hidden columns, and a change of it cannot be explained.`,
        reference.at,
      );
    }
    const place = placeReference(sql, names, reference);
    if (place === undefined) {
      return refuse(
        'mask/text',
        `"${reference.name}" has hidden columns, and is written in a way that cannot be masked.`,
        reference.at,
      );
    }
    edits.push({ start: place.start, end: place.end, text: place.write(subSelect(each)) });
    if (place.rest !== undefined) edits.push(place.rest);
  }
  const qualified = editQualifiedColumns(names, references, { found, edits });
  if (qualified === undefined) {
    return refuse(
      'mask/qualified-column',
      'A column is named with its schema, and which table is meant is not certain.',
      -1,
    );
  }
  const all = [...edits, ...qualified].toSorted((a, b) => a.start - b.start);
  return overlap(all)
    ? refuse('mask/text', 'A table with hidden columns stands inside of the clause of another.', -1)
    : all;
}

/** Both names in quotes, so that no CTE and no search path can mean something else. */
function subSelect({ relation, hidden, reference }: HiddenReference): string {
  const columns = shownColumns(relation, hidden).map(({ column, mask }) => {
    const name = quoteIdentifier(column.name);
    return mask === undefined ? name : `${maskExpression(column, mask)} AS ${name}`;
  });
  const only = reference.only ? 'ONLY ' : '';
  const from = `${only}${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
  return ['SELECT', columns.join(', '), 'FROM', from].filter((part) => part !== '').join(' ');
}

/** What was rewritten, and what was read of it afterwards. */
export interface Rewritten {
  readonly sql: string;
  readonly masked: Masked;
  readonly before: References;
  readonly after: References;
}

/**
 * Looks at what the parser reads in the rewritten text: it names as many relations as before, and all that have hidden
 * columns stand in what the edits wrote. Says what is wrong with it.
 */
export function verifyMasked(
  { sql, masked, before, after }: Rewritten,
  facts: CatalogFacts,
  access: DataAccess,
): Refusal | undefined {
  const written = writtenParts(sql, masked.edits);
  const isOurs = ({ at }: RelationReference) => written.some(({ start, end }) => at >= start && at < end);
  const left = findHidden({ relations: after.relations.filter((each) => !isOurs(each)) }, facts, access);
  if (!Array.isArray(left)) return left;
  if (left.length === 0 && after.relations.length === before.relations.length) return undefined;
  return refuse('mask/text', 'The masks of hidden columns could not be put into the statement.');
}
