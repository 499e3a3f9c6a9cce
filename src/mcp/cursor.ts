import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PlatformError } from '../core/errors.ts';

/** A cursor is good for the life of the process. */
const KEY = randomBytes(32);
const MAC_BYTES = 16;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

interface PageRequest {
  readonly cursor: string | undefined;
  /** What the cursor is bound to: the list, and for whom. */
  readonly list: readonly string[];
  readonly size: number;
}

/**
 * The items that follow those the cursor was given with; `items` are in the order of their names. A cursor says only
 * after which name to go on, so that a list which changes in between repeats nothing and skips nothing.
 */
export function pageOf<Item extends { readonly name: string }>(
  items: readonly Item[],
  { cursor, list, size }: PageRequest,
): Page<Item> {
  const after = cursor === undefined ? undefined : openCursor(cursor, list);
  const rest = after === undefined ? items : items.filter(({ name }) => name > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return { items: page, nextCursor: last && rest.length > size ? sealCursor(last.name, list) : undefined };
}

function sealCursor(name: string, list: readonly string[]): string {
  return Buffer.concat([mac(name, list), Buffer.from(name)]).toString('base64url');
}

function openCursor(cursor: string, list: readonly string[]): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const name = bytes.toString('utf8', MAC_BYTES);
  if (bytes.length > MAC_BYTES && timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(name, list))) return name;
  throw new PlatformError('INVALID_INPUT', 'The cursor was not given by this server for this list.', {
    hint: 'Ask for the list again without a cursor.',
  });
}

function mac(name: string, list: readonly string[]): Buffer {
  return createHmac('sha256', KEY)
    .update(JSON.stringify([...list, name]))
    .digest()
    .subarray(0, MAC_BYTES);
}
