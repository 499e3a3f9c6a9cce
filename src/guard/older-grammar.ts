import type { QualifiedName } from './name.ts';

/** What the grammar calls for EXTRACT and SIMILAR TO, and what it called before that major; always of `pg_catalog`. */
const CALLED: Readonly<Record<string, { readonly since: number; readonly before: string }>> = {
  extract: { since: 14, before: 'date_part' },
  similar_to_escape: { since: 13, before: 'similar_escape' },
};

/** The name of the function that a server of that major calls, where the newest grammar has given it. */
export function calledBy(major: number, { schema, name }: QualifiedName): string {
  const change = schema === 'pg_catalog' && Object.hasOwn(CALLED, name) ? CALLED[name] : undefined;
  return change !== undefined && major < change.since ? change.before : name;
}
