const NEWLINE = 0x0a;
const FIRST_STORE_BYTES = 16_384;

export interface LineSplitter {
  /** Takes what was read. */
  push(chunk: Uint8Array): void;
  /** Gives what stands after the last newline, if anything does. */
  end(): void;
}

/** What to do with each line; the bytes are good until the function returns. */
interface LineHandlers {
  line(bytes: Uint8Array): void;
  /** Instead of a line of more than `maxBytes`, once it is over; its bytes were not kept. */
  overlong(): void;
}

/** Cuts a stream of bytes at newlines and never holds more than about twice `maxBytes`. */
export function createLineSplitter(maxBytes: number, handlers: LineHandlers): LineSplitter {
  let store = Buffer.allocUnsafeSlow(FIRST_STORE_BYTES);
  let size = 0;
  let overlong = false;

  function keep(piece: Uint8Array): void {
    overlong ||= size + piece.length > maxBytes;
    if (overlong) {
      size = 0;
      return;
    }
    if (size + piece.length > store.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(store.length * 2, size + piece.length));
      larger.set(store.subarray(0, size));
      store = larger;
    }
    store.set(piece, size);
    size += piece.length;
  }

  function finish(): void {
    const line = store.subarray(0, size);
    const tooLong = overlong;
    size = 0;
    overlong = false;
    if (tooLong) handlers.overlong();
    else handlers.line(line);
  }

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        keep(chunk.subarray(start, end));
        finish();
        start = end + 1;
      }
      keep(chunk.subarray(start));
    },
    end() {
      if (size > 0 || overlong) finish();
    },
  };
}
