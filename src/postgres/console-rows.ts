import type { Result } from './database.ts';

/**
 * A row of the console, read by the names of its columns, which differ from version to version: a column that is not
 * there is null, and so is a number that is none.
 */
export interface ConsoleRow {
  /** Empty is null, too: PgBouncer writes so what is not set. */
  text(column: string): string | null;
  /** Beyond 2^53 it is the last number that is exact. */
  integer(column: string): number | null;
  /** A sum of microseconds, in milliseconds. */
  milliseconds(column: string): number | null;
  /** Whole seconds in one column and their microseconds in another, in seconds; before 1.8 there are whole ones only. */
  seconds(column: string): number | null;
  flag(column: string): boolean | null;
}

export function consoleRows({ fields, rows }: Result): ConsoleRow[] {
  const indexes = new Map(fields.map(({ name }, i) => [name, i]));
  return rows.map((values) => new NamedValues(indexes, values));
}

class NamedValues implements ConsoleRow {
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #values: readonly (string | null)[];

  constructor(indexes: ReadonlyMap<string, number>, values: readonly (string | null)[]) {
    this.#indexes = indexes;
    this.#values = values;
  }

  text(column: string): string | null {
    const index = this.#indexes.get(column);
    return (index === undefined ? null : this.#values[index]) || null;
  }

  integer(column: string): number | null {
    const text = this.text(column)?.trim();
    if (text === undefined || !/^-?\d{1,40}$/.test(text)) return null;
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number(text), Number.MAX_SAFE_INTEGER));
  }

  milliseconds(column: string): number | null {
    const microseconds = this.integer(column);
    return microseconds === null ? null : microseconds / 1000;
  }

  seconds(column: string): number | null {
    const whole = this.integer(column);
    return whole === null ? null : whole + (this.integer(`${column}_us`) ?? 0) / 1_000_000;
  }

  flag(column: string): boolean | null {
    const text = this.text(column);
    return text === null ? null : text === '1' || text === 'yes';
  }
}
