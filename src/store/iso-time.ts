/** SQL that writes a timestamptz as the ISO text that JavaScript writes, to the millisecond. */
export function isoTime(column: string): string {
  return `pg_catalog.to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
