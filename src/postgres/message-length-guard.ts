import { PlatformError } from '../core/errors.ts';

const HEADER_BYTES = 5;
const DATA_ROW = 0x44;

/**
 * Follows the messages of a server through its chunks and throws at the first one whose announced length is above the
 * limit, before any of its body is kept: one value of some hundred megabytes would end the process. `maxRowBytes` is
 * asked at each row.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function createMessageLengthGuard(
  maxBytes: number,
  maxRowBytes: () => number = () => maxBytes,
): (chunk: Buffer) => void {
  const split = Buffer.alloc(HEADER_BYTES);
  let splitBytes = 0;
  let bodyBytes = 0;

  /** Returns how many bytes follow the header. */
  function readHeader(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at + 1);
    if (length < 4) throw new Error('The server sent a message of impossible length.');
    const isRow = bytes[at] === DATA_ROW;
    const limit = isRow ? Math.min(maxBytes, maxRowBytes()) : maxBytes;
    if (length > limit) throw tooLong(isRow ? 'row' : 'message', length, limit);
    return length - 4;
  }

  /** Returns how many bytes of the chunk belong to the header that an earlier chunk began. */
  function completeHeader(chunk: Buffer): number {
    const copied = chunk.copy(split, splitBytes, 0, HEADER_BYTES - splitBytes);
    splitBytes += copied;
    if (splitBytes === HEADER_BYTES) {
      bodyBytes = readHeader(split, 0);
      splitBytes = 0;
    }
    return copied;
  }

  return (chunk) => {
    let at = splitBytes > 0 ? completeHeader(chunk) : 0;
    while (at < chunk.length) {
      const skipped = Math.min(bodyBytes, chunk.length - at);
      bodyBytes -= skipped;
      at += skipped;
      if (chunk.length - at >= HEADER_BYTES) {
        bodyBytes = readHeader(chunk, at);
        at += HEADER_BYTES;
      } else {
        splitBytes = chunk.copy(split, 0, at);
        at = chunk.length;
      }
    }
  };
}

function tooLong(what: 'row' | 'message', bytes: number, maxBytes: number): PlatformError {
  return new PlatformError('QUERY_FAILED', `A ${what} of ${bytes} bytes exceeds the limit of ${maxBytes} bytes.`, {
    hint: 'Leave out the large column, or take a part of it with left() or substring().',
    details: { bytes, limit_bytes: maxBytes },
  });
}
