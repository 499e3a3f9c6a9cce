import type { ParameterValue } from './database.ts';

/** A value as PostgreSQL reads it in text format; the server finds the type by where the parameter stands. */
export function parameterText(value: ParameterValue): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? arrayText(value) : String(value);
}

/** Values as PostgreSQL reads an array of them in text format. */
export function arrayText(values: readonly (string | number)[]): string {
  return `{${values.map(arrayElement).join(',')}}`;
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function arrayElement(value: string | number): string {
  return `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`;
}
