/** A column as tables and indexes store it. */
export interface StoredColumn {
  /** `attalign`: to how many bytes it is aligned. */
  readonly align: 'c' | 's' | 'i' | 'd';
  /** Bytes of a fixed length; -1 for what carries its length. */
  readonly length: number;
  /** Bytes of a value on average, as ANALYZE saw it. */
  readonly width: number;
  readonly null_frac: number;
}

const ALIGNMENT = { c: 1, s: 2, i: 4, d: 8 } as const;
/** MAXALIGN on all platforms of today. */
const MAXIMUM = 8;
/** A longer value has a length of four bytes, which is aligned; that of a shorter one is a byte. */
const LONGEST_SHORT = 127;

/** https://www.postgresql.org/docs/current/storage-page-layout.html */
export const PAGE_HEADER = 24;
export const LINE_POINTER = 4;
const TUPLE_HEADER = 23;

/** How far a row has come: on average, and what is known of where in its words it stands. */
interface Place {
  readonly offset: number;
  /** The offset is `remainder` more than a multiple of this power of two. */
  readonly modulus: number;
  readonly remainder: number;
}

/** Bytes on average until the next multiple of `alignment`: each offset that is possible is as likely. */
function paddingAt({ modulus, remainder }: Place, alignment: number): number {
  const possible = Array.from({ length: Math.max(alignment / modulus, 1) }, (_, n) => remainder + n * modulus);
  return possible.reduce((sum, each) => sum + ((alignment - (each % alignment)) % alignment), 0) / possible.length;
}

function align(place: Place, alignment: number): Place {
  const { offset, modulus, remainder } = place;
  const padding = paddingAt(place, alignment);
  if (alignment > modulus) return { offset: offset + padding, modulus: alignment, remainder: 0 };
  return { offset: offset + padding, modulus, remainder: (remainder + padding) % modulus };
}

/** Behind what varies in length nobody knows where in a word a row stands. */
function behind(place: Place, { align: by, length, width, null_frac }: StoredColumn): Place {
  const alignment = length > 0 || width > LONGEST_SHORT ? ALIGNMENT[by] : 1;
  if (length > 0 && null_frac === 0) {
    const { offset, modulus, remainder } = align(place, alignment);
    return { offset: offset + width, modulus, remainder: (remainder + width) % modulus };
  }
  const size = paddingAt(place, alignment) + width;
  return { offset: place.offset + (1 - null_frac) * size, modulus: 1, remainder: 0 };
}

/** Bytes on average of the values of a row, one behind the other and each where its alignment wants it, up to a whole word. */
export function widthOf(columns: readonly StoredColumn[]): number {
  const start: Place = { offset: 0, modulus: MAXIMUM, remainder: 0 };
  return align(columns.reduce(behind, start), MAXIMUM).offset;
}

/** How likely a row is to have a null. */
export function someNull(columns: readonly StoredColumn[]): number {
  return 1 - columns.reduce((none, { null_frac }) => none * (1 - null_frac), 1);
}

/** Bytes of a row of a table with its header. `attributes` also counts dropped columns. */
export function rowSize(columns: readonly StoredColumn[], attributes: number): number {
  const plain = wholeWords(TUPLE_HEADER);
  const withBitmap = wholeWords(TUPLE_HEADER + Math.ceil(attributes / 8));
  const nulls = attributes > columns.length ? 1 : someNull(columns);
  return plain + nulls * (withBitmap - plain) + widthOf(columns);
}

interface Page {
  readonly block_size: number;
  readonly fillfactor: number;
}

export function wholeWords(bytes: number): number {
  return Math.ceil(bytes / MAXIMUM) * MAXIMUM;
}

/** Of rows whose lengths are known, what they take in whole words: all of them are alike where the mean is an integer. */
export function meanWords(bytes: number, rows: number): number {
  const mean = bytes / rows;
  return Number.isInteger(mean) ? wholeWords(mean) : mean + (MAXIMUM - 1) / 2;
}

/** Pages that so many rows of this size fill when they are written anew; no row is on two of them. */
export function pagesFor(rows: number, size: number, { block_size, fillfactor }: Page): number {
  const room = (block_size - PAGE_HEADER) * (fillfactor / 100);
  return Math.ceil(rows / Math.max(Math.floor(room / (size + LINE_POINTER)), 1));
}

/** Four chunks of TOAST fill a page, and the last one of a value is smaller: there may be fewer pages, and never more. */
const CHUNKS_PER_PAGE = 4;

export function mostToastPages(chunks: number): number {
  return Math.ceil(chunks / CHUNKS_PER_PAGE);
}
