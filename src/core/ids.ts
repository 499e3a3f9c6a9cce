import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(4096);
let offset = pool.length;

/** A UUID of version 7, ordered by the millisecond of its making (RFC 9562 section 5.7). */
export function uuidv7(now: number = Date.now()): string {
  if (offset + 10 > pool.length) {
    randomFillSync(pool);
    offset = 0;
  }
  const random = pool.subarray(offset, (offset += 10));
  const time = now.toString(16).padStart(12, '0');
  const version = 0x7000 | (random.readUInt16BE(0) & 0x0fff);
  const variant = 0x8000 | (random.readUInt16BE(2) & 0x3fff);
  const tail = random.toString('hex', 4, 10);
  return `${time.slice(0, 8)}-${time.slice(8)}-${version.toString(16)}-${variant.toString(16)}-${tail}`;
}
