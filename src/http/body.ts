import type { IncomingMessage } from 'node:http';

/** `too_large` as soon as that is known, `busy` when too much is being read already; the rest is left unread. */
export type Body = Buffer | 'too_large' | 'busy' | 'gone';

export interface BodyLimits {
  readonly bodyBytes: number;
  /** What may be held of the bodies that are being read. */
  readonly receivingBytes: number;
}

/** Whether a body follows the headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Reads bodies; all that it reads at one time is bounded. */
export function createBodyReader(limits: BodyLimits): (request: IncomingMessage) => Promise<Body> {
  let receiving = 0;
  return (request) => {
    if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) return Promise.resolve('too_large');
    return new Promise((resolve) => {
      const body = createBuffer();
      let isSettled = false;
      const settle = (result: Body) => {
        if (isSettled) return;
        isSettled = true;
        receiving -= body.bytes();
        resolve(result);
      };
      request.on('data', (chunk: Buffer) => {
        // the rest of a refused body is thrown away
        if (isSettled) return;
        body.append(chunk);
        receiving += chunk.length;
        if (body.bytes() > limits.bodyBytes) settle('too_large');
        else if (receiving > limits.receivingBytes) settle('busy');
      });
      request.on('end', () => settle(body.whole()));
      request.on('close', () => settle('gone'));
    });
  };
}

/** Keeps bytes and not pieces: a body that comes byte by byte would weigh a hundred times as much. */
function createBuffer() {
  let buffer: Buffer = Buffer.alloc(0);
  let used = 0;
  return {
    bytes: () => used,
    whole: () => (used === buffer.length ? buffer : buffer.subarray(0, used)),
    append(chunk: Buffer) {
      const needed = used + chunk.length;
      if (used === 0) {
        buffer = chunk;
      } else {
        if (needed > buffer.length) {
          const larger = Buffer.allocUnsafe(Math.max(needed, 2 * buffer.length));
          buffer.copy(larger, 0, 0, used);
          buffer = larger;
        }
        chunk.copy(buffer, used);
      }
      used = needed;
    },
  };
}
