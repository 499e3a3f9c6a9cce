/** In characters from 1, as PostgreSQL counts; `at` is in bytes of UTF-8 from 0, as its parser does. */
export function characterAt(sql: string, at: number): number {
  return Array.from(Buffer.from(sql).subarray(0, at).toString()).length + 1;
}

/** The other way round. */
export function byteAt(sql: string, character: number): number {
  return Buffer.byteLength(
    Array.from(sql)
      .slice(0, character - 1)
      .join(''),
  );
}
