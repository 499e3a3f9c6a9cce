import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let offset = pool.length;

/** Each byte in hexadecimal: looking two digits up is several times quicker than writing them. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The millisecond of the last id, how its ids begin, and the counter of the last of them. */
let lastNow = -1;
let prefix = '';
let counter = 0;

/**
 * A UUID of version 7, ordered by the millisecond of its making and, within one, by a counter that begins at random
 * (RFC 9562 sections 5.7 and 6.2, method 1): ids of one process sort in the order of their making while its clock does
 * not go back.
 */
export function uuidv7(now: number = Date.now()): string {
  if (offset + 10 > pool.length) {
    randomFillSync(pool);
    offset = 0;
  }
  const hex = () => HEX[pool[offset++] ?? 0] ?? '';
  if (now !== lastNow) {
    const time = now.toString(16).padStart(12, '0');
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    lastNow = now;
    counter = (((pool[offset++] ?? 0) & 0x07) << 8) | (pool[offset++] ?? 0); // half of 4096 is left to count
  } else {
    counter = (counter + 1) & 0xfff;
  }
  const version = (HEX[counter >> 8] ?? '').charAt(1) + (HEX[counter & 0xff] ?? '');
  const variant = (HEX[0x80 | ((pool[offset++] ?? 0) & 0x3f)] ?? '') + hex();
  return `${prefix}${version}-${variant}-${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}`;
}

/** When a UUID of version 7 was made, in milliseconds since the epoch. */
export function timeOfUuidv7(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}
