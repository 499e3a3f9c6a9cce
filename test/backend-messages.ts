/** Messages of a server, for servers that are made up. https://www.postgresql.org/docs/current/protocol-message-formats.html */

export function message(code: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));
  const head = Buffer.alloc(5);
  head.write(code, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

export const int16 = (n: number) => Buffer.from([n >> 8, n & 255]);
export const READY = message('Z', 'I');
/** Lets anybody in. */
export const WELCOME = Buffer.concat([message('R', '\0\0\0\0'), message('K', '\0\0\0\x01\0\0\0\x02'), READY]);
const COLUMN = Buffer.concat([Buffer.from('n\0'), Buffer.alloc(6), Buffer.from([0, 0, 0, 25]), Buffer.alloc(8)]);
/** One column of text, named n. */
export const HEADER = message('T', int16(1), COLUMN);

export function row(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(Buffer.byteLength(text, 'latin1'));
  return message('D', int16(1), length, text);
}
