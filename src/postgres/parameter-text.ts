import type { ParameterValue } from './database.ts';

/** A value as PostgreSQL reads it in text format; the server finds the type by where the parameter stands. */
export function parameterText(value: ParameterValue): string | null {
  if (value === null) return null;
  if (typeof value === 'object') return `{${value.map(element).join(',')}}`;
  return String(value);
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function element(value: string | number): string {
  return `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`;
}
