/** A device or a store that hangs must not keep the process from ending. */
export async function withinTime(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`A write has not finished within ${limitMs} ms`)), limitMs);
  });
  await Promise.race([work, overdue]).finally(() => clearTimeout(timer));
}
