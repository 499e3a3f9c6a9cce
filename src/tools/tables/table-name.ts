/** A relation as a caller may mean it; null is any schema. */
export interface TableName {
  readonly schema: string | null;
  readonly table: string;
}

/**
 * What a name can mean, the likeliest first. With double quotes it reads as in SQL. Without, it is taken as it stands,
 * as a name or as a schema and a name at each dot, and then once more in lower case, as SQL would.
 */
export function readTableName(text: string, schema: string | undefined): TableName[] {
  const parts = text.includes('"') ? splitQuoted(text) : undefined;
  const names = parts ? fromParts(parts) : asItStands(text);
  const meant = schema === undefined ? names : names.filter((name) => name.schema === null || name.schema === schema);
  return meant.map(({ schema: own, table }) => ({ schema: own ?? schema ?? null, table }));
}

function fromParts(parts: readonly string[]): TableName[] {
  const [first = '', second] = parts;
  return second === undefined ? [{ schema: null, table: first }] : [{ schema: first, table: second }];
}

function asItStands(text: string): TableName[] {
  const spellings = [...new Set([text, text.toLowerCase()])];
  return spellings.flatMap((spelling) => {
    const dots = [...spelling.matchAll(/\./g)].map(({ index }) => index);
    const split = dots.map((dot) => ({ schema: spelling.slice(0, dot), table: spelling.slice(dot + 1) }));
    return [{ schema: null, table: spelling }, ...split];
  });
}

/** One or two identifiers, as https://www.postgresql.org/docs/current/sql-syntax-lexical.html has them; undefined when it is neither. */
function splitQuoted(text: string): string[] | undefined {
  const match = /^\s*("(?:[^"]|"")+"|[^".\s]+)(?:\s*\.\s*("(?:[^"]|"")+"|[^".\s]+))?\s*$/.exec(text);
  return match?.slice(1).flatMap((part: string | undefined) => (part === undefined ? [] : unquote(part)));
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase();
}
