import type { QualifiedName } from './name.ts';
import { namesOf, type Fields } from './tree.ts';

/** What the grammar of older servers makes of the SQL forms of 18's. */
const OLDER_FORMS: Readonly<Record<string, { readonly since: number; readonly name: string }>> = {
  extract: { since: 14, name: 'date_part' },
  similar_to_escape: { since: 13, name: 'similar_escape' },
};

/** What a call is of, for the server of that major. */
export function calledName(fields: Fields, major: number): QualifiedName {
  const called = qualified(namesOf(fields['funcname']) ?? []);
  const older =
    called.schema === 'pg_catalog' && Object.hasOwn(OLDER_FORMS, called.name) ? OLDER_FORMS[called.name] : undefined;
  const isForm = fields['funcformat'] !== 'COERCE_EXPLICIT_CALL' || called.name === 'similar_to_escape';
  return older !== undefined && isForm && major < older.since ? { ...called, name: older.name } : called;
}

/** Of more than two parts the first names the database, which PostgreSQL wants to be the current one. */
export function qualified(names: readonly string[]): QualifiedName {
  return { schema: names.at(-2), name: names.at(-1) ?? '' };
}
