/** Map.groupBy, which Node 20 lacks. */
export function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
}

/** Null where there is none; of more numbers, too, than a function takes arguments. */
export function largest(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((most, number) => (most === null || (number ?? 0) > most ? number : most), null);
}
