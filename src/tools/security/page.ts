/** The first rows of a list, and how many there are. */
export interface Page<Row> {
  readonly rows: Row[];
  readonly truncated: boolean;
  readonly total: number;
}

/** Of rows that were read with `count(*) over () as total_rows`, which the answer leaves out. */
export function pageOf<Row extends { readonly total_rows: number }>(
  read: readonly Row[],
  limit: number,
): Page<Omit<Row, 'total_rows'>> {
  const total = read[0]?.total_rows ?? 0;
  return {
    rows: read.slice(0, limit).map((row) => without(row, 'total_rows')),
    truncated: total > Math.min(limit, read.length),
    total,
  };
}

/** A row without what only its judges need. */
export function without<Row extends object, Key extends keyof Row>(row: Row, ...keys: readonly Key[]): Omit<Row, Key> {
  const rest: Partial<Row> = { ...row };
  for (const key of keys) delete rest[key];
  return rest as Omit<Row, Key>;
}
