import { quoteIdentifier } from '../../postgres/sql.ts';

/** `"schema"."name"`, as a statement needs it. */
export function quoteName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** A string constant, as quote_literal writes it. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

/** A comment in SQL, of one line whatever names are in it. */
export function comment(text: string): string {
  return `-- ${text.replaceAll(/\s+/g, ' ')}`;
}
