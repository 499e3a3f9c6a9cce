import { describe, expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { createMessageLengthGuard } from './message-length-guard.ts';

function message(code: string, body: number): Buffer {
  const bytes = Buffer.alloc(5 + body, 'D'); // a body that looks like headers
  bytes.write(code, 'latin1');
  bytes.writeUInt32BE(4 + body, 1);
  return bytes;
}

/** Whether the guard objects, and in which chunk. */
function feed(chunks: readonly Buffer[], maxBytes: number): number | undefined {
  const check = createMessageLengthGuard(maxBytes);
  for (const [i, chunk] of chunks.entries()) {
    try {
      check(chunk);
    } catch {
      return i;
    }
  }
  return undefined;
}

const within = Buffer.concat([message('T', 20), message('D', 96), message('D', 0), message('Z', 1)]);
const beyond = Buffer.concat([within, message('D', 97).subarray(0, 5)]);

describe('the guard of message lengths', () => {
  it('lets messages up to the limit pass, wherever the chunks are cut', () => {
    for (let cut = 0; cut <= within.length; cut++) {
      expect(feed([within.subarray(0, cut), within.subarray(cut)], 100)).toBeUndefined();
    }
  });

  it('objects as soon as the header of a longer one is complete, wherever the chunks are cut', () => {
    for (let cut = 0; cut < beyond.length; cut++) {
      expect(feed([beyond.subarray(0, cut), beyond.subarray(cut)], 100)).toBe(1);
    }
    expect(feed([beyond], 100)).toBe(0);
  });

  it('objects when each byte comes alone', () => {
    const bytes = [...beyond].map((byte) => Buffer.from([byte]));
    expect(feed(bytes, 100)).toBe(beyond.length - 1);
  });

  it('says how long the row is and how long it may be', () => {
    const check = createMessageLengthGuard(100);
    let failure: unknown;
    try {
      check(beyond);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(PlatformError);
    expect(failure).toMatchObject({
      code: 'QUERY_FAILED',
      message: 'A row of 101 bytes exceeds the limit of 100 bytes.',
      details: { bytes: 101, limit_bytes: 100 },
    });
  });

  it('refuses a length that cannot be, which would lead the parser astray', () => {
    expect(feed([Buffer.from([0x44, 0, 0, 0, 3])], 100)).toBe(0);
    expect(feed([Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])], 100)).toBe(0);
  });
});
