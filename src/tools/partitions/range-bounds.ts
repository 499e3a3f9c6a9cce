/** One end of a range; `order` is seconds since 1970, or the number itself. */
export interface Point {
  /** As PostgreSQL writes it, without quotes; null for MINVALUE and MAXVALUE. */
  readonly text: string | null;
  readonly order: number | bigint;
  /** Of a timestamp with time zone, what the clock of the server shows; null where that is not known, or shown twice. */
  readonly local: string | null;
}

export interface Range {
  readonly from: Point;
  readonly to: Point;
}

/** What lies between two ranges. */
export type Gap = Range;

/** Types of keys whose bounds are read, and how. */
const READERS: Readonly<Record<string, (text: string) => number | bigint | undefined>> = {
  date: readTime,
  'timestamp without time zone': readTime,
  'timestamp with time zone': readTime,
  smallint: readInteger,
  integer: readInteger,
  bigint: readInteger,
};

export function isReadable(keyType: string | null): keyType is string {
  return keyType !== null && Object.hasOwn(READERS, keyType);
}

/** Whether the key is a date or a timestamp, so that rows come in its order. */
export function isTime(keyType: string | null): boolean {
  return isReadable(keyType) && READERS[keyType] === readTime;
}

const NO_LOCAL = { from: null, to: null };

/** `FOR VALUES FROM (…) TO (…)` of a key of one column; undefined for what cannot be read with certainty. */
export function readRange(
  bound: string,
  keyType: string,
  local: { readonly from: string | null; readonly to: string | null } = NO_LOCAL,
): Range | undefined {
  const [, lower = '', upper = ''] = /^FOR VALUES FROM \(([^,()]+)\) TO \(([^,()]+)\)$/.exec(bound) ?? [];
  const from = readPoint(lower, keyType);
  const to = readPoint(upper, keyType);
  return from && to && { from: { ...from, local: local.from }, to: { ...to, local: local.to } };
}

function readPoint(literal: string, keyType: string): Omit<Point, 'local'> | undefined {
  if (literal === 'MINVALUE') return { text: null, order: -Infinity };
  if (literal === 'MAXVALUE') return { text: null, order: Infinity };
  const text = /^'([^'\\]+)'$/.exec(literal)?.[1] ?? literal;
  const order = READERS[keyType]?.(text);
  return order === undefined ? undefined : { text, order };
}

/** In the format that every session of ours asks for: ISO dates, UTC. */
function readTime(text: string): number | undefined {
  if (text === 'infinity') return Infinity;
  if (text === '-infinity') return -Infinity;
  const match = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:\+00)?)?$/.exec(text);
  const ms = match ? Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

function readInteger(text: string): bigint | undefined {
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

export function inOrder(ranges: readonly Range[]): Range[] {
  return ranges.toSorted((a, b) => (a.from.order < b.from.order ? -1 : a.from.order > b.from.order ? 1 : 0));
}

/** Of ranges in order, which never overlap. */
export function findGaps(ranges: readonly Range[]): Gap[] {
  return ranges.flatMap((range, i) => {
    const before = ranges[i - 1];
    return before && before.to.order < range.from.order ? [{ from: before.to, to: range.from }] : [];
  });
}

export function contains({ from, to }: Range, order: number): boolean {
  return from.order <= order && order < to.order;
}
