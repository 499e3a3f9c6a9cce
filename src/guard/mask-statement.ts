import { quoteIdentifier } from '../postgres/sql.ts';
import { lex } from '../sqltext/lexer.ts';
import type { DataAccess } from './access.ts';
import { applyEdits, overlap, writtenParts, type Edit } from './edit.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import { hiddenColumns, shownColumns } from './hidden-columns.ts';
import { maskExpression, type Hiding } from './mask-expression.ts';
import { placeReference } from './masked-place.ts';
import { editQualifiedColumns } from './qualified-columns.ts';
import { createNameTokens } from './name-tokens.ts';
import type { References, RelationReference } from './references.ts';
import type { Refusal } from './verdict.ts';

export interface Masked {
  readonly verdict: 'allow';
  readonly text: string;
  readonly wantsMaskKey: boolean;
  readonly edits: readonly Edit[];
}

export type MaskVerdict = Masked | ({ readonly verdict: 'deny' } & Refusal);

/** A relation of the statement with something hidden in it. */
export interface HiddenReference {
  readonly reference: RelationReference;
  readonly relation: RelationFacts;
  readonly hidden: ReadonlyMap<string, Hiding>;
}

/** A rewritten statement is kept in caches and sent over the wire. */
const MAX_CHARACTERS = 4_000_000;

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
): MaskVerdict {
  const unchanged: Masked = { verdict: 'allow', text: sql, wantsMaskKey: false, edits: [] };
  if (!access.hides) return unchanged;
  const found = findHidden(references, facts, access);
  if (!Array.isArray(found)) return found;
  if (found.length === 0) return unchanged;
  const edits = findEdits(sql, references, found);
  if (!Array.isArray(edits)) return edits;
  const wantsMaskKey = found.some(({ hidden }) => [...hidden.values()].includes('hash'));
  const reader = wantsMaskKey && references.functions.find(({ name }) => name === 'current_setting');
  if (reader) {
    return deny('mask/setting', 'current_setting() stands beside a column that is shown as a keyed hash.', reader.at, {
      hint: 'Ask for the setting in a statement of its own, with SHOW.',
    });
  }
  const text = applyEdits(sql, edits);
  if (text.length > MAX_CHARACTERS) {
    return deny('mask/size', 'With the masks of its columns the statement is too long.', -1, {
      hint: 'Name tables with masked columns less often.',
    });
  }
  return { verdict: 'allow', text, wantsMaskKey, edits };
}

/** Fails closed where a relation is not known: which rules hold for it is not known then. */
function findHidden(
  { relations }: References,
  facts: CatalogFacts,
  access: DataAccess,
): HiddenReference[] | ReturnType<typeof deny> {
  const found: HiddenReference[] = [];
  for (const reference of relations) {
    const relation = facts.relation(reference);
    const hidden = relation && hiddenColumns(relation, facts, access);
    if (relation === undefined || hidden === undefined) {
      return deny('mask/unknown-relation', `What is hidden of "${reference.name}" cannot be told.`, reference.at, {
        hint: 'Check the name, or ask again: its table may have been changed just now.',
      });
    }
    if (hidden.size > 0) found.push({ reference, relation, hidden });
  }
  return found.toSorted((a, b) => a.reference.at - b.reference.at);
}

function findEdits(
  sql: string,
  references: References,
  found: readonly HiddenReference[],
): Edit[] | ReturnType<typeof deny> {
  const names = createNameTokens(sql, lex(sql));
  const edits: Edit[] = [];
  for (const each of found) {
    const { reference } = each;
    if (reference.form === 'target') {
      return deny(
        'mask/target',
        `"${reference.name}" has hidden columns, and a change of it cannot be explained.`,
        reference.at,
        {
          hint: 'Explain a SELECT with the same FROM and WHERE.',
        },
      );
    }
    const place = placeReference(sql, names, reference);
    if (place === undefined) {
      return deny(
        'mask/text',
        `"${reference.name}" has hidden columns, and is written in a way that cannot be masked.`,
        reference.at,
        {
          hint: 'Write the name of the table plainly, with an alias after it.',
        },
      );
    }
    edits.push({ start: place.start, end: place.end, text: place.write(subSelect(each)) });
    if (place.rest !== undefined) edits.push(place.rest);
  }
  const qualified = editQualifiedColumns(names, references, { found, edits });
  if (qualified === undefined) {
    return deny(
      'mask/qualified-column',
      'A column is named with its schema, and which table is meant is not certain.',
      -1,
      {
        hint: 'Give the table an alias, and write alias.column.',
      },
    );
  }
  const all = [...edits, ...qualified].toSorted((a, b) => a.start - b.start);
  return overlap(all)
    ? deny('mask/text', 'A table with hidden columns stands inside of the clause of another.', -1, {
        hint: 'Use a sub-select or a CTE for the inner one.',
      })
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

/**
 * Looks at the references of the rewritten text: whatever has hidden columns must stand in what the edits wrote. Says
 * what is wrong with them.
 */
export function verifyMasked(
  sql: string,
  { edits }: Masked,
  rewritten: References,
  { facts, access }: { readonly facts: CatalogFacts; readonly access: DataAccess },
): ({ readonly verdict: 'deny' } & Refusal) | undefined {
  if (!access.hides) return undefined;
  const found = findHidden(rewritten, facts, access);
  if (!Array.isArray(found)) return found;
  const written = writtenParts(sql, edits).filter(({ end, start }) => end > start);
  const left = found.find(({ reference: { at } }) => !written.some(({ start, end }) => at >= start && at < end));
  if (left === undefined) return undefined;
  return deny('mask/text', `"${left.reference.name}" has hidden columns, and could not be masked.`, -1, {
    hint: 'Write the statement in a simpler way.',
  });
}

function deny(rule: string, reason: string, at: number, { hint }: { readonly hint: string }) {
  return { verdict: 'deny', rule, reason, hint, at } as const;
}
