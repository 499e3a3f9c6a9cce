import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { QualifiedName } from './name.ts';
import type { Refusal } from './verdict.ts';

/** Every rule about relations, with the allowed way that its refusals name. A section of docs/sql-guard.md each. */
export const RELATION_RULES = {
  'relation/unknown': 'Use search_schema or list_tables to see what is open to you.',
  'relation/kind': 'Name a table, a view, a materialized view or a foreign table.',
  'relation/credentials': 'Use the diagnostic tools, which show settings, roles and servers without secrets.',
  'relation/catalogue': 'Use search_schema, describe_table and list_tables, which show what is open to you.',
  'relation/statistics': 'Use the diagnostic tools, or count over the table itself.',
  'relation/not-reviewed': 'Use another view of the catalogue; what this one tells has not been reviewed.',
  'relation/foreign': 'Ask an administrator to allow this foreign table for the persona, by its name.',
  'relation/view':
    'Ask an administrator to allow this view for the persona, by its name, or query the tables that are open to you.',
  'relation/unreadable': 'Query the tables themselves; what this relation reaches could not be read.',
  'relation/sampled': 'Leave TABLESAMPLE out, or sample with ORDER BY random() LIMIT.',
  'relation/cte-name': 'Give the query in WITH another name.',
  'relation/target': 'Explain a SELECT with the same conditions.',
  'relation/rules': 'Explain a SELECT with the same conditions.',
} as const satisfies Readonly<Record<string, string>>;

export type RelationRule = keyof typeof RELATION_RULES;

/** `at` is where the statement names what reached it. */
export function refuseRelation(rule: RelationRule, reason: string, at: number): Refusal {
  return { rule, reason, hint: RELATION_RULES[rule], ...(at >= 0 && { at }) };
}

/** For a sentence; names are those of strangers. */
export function shownName({ schema, name }: QualifiedName): string {
  return escapeControl(schema === undefined ? name : `${schema}.${name}`);
}
