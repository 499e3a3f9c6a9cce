/**
 * Writes the messages of the query protocols one behind the other, for one write to the socket.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class FrontendMessages {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #end = 0;

  /** An empty name is the unnamed statement; the types of parameters without an OID, or with 0, are left to the server. */
  parse(name: string, text: string, types: readonly number[] = []): void {
    const start = this.#begin(PARSE, 3 * (name.length + text.length) + 4 + 4 * types.length);
    this.#cstring(name);
    this.#cstring(text);
    this.#int16(types.length);
    for (const oid of types) this.#end = this.#buffer.writeUInt32BE(oid, this.#end);
    this.#finish(start);
  }

  /** Binds the unnamed portal; parameters and results are in text format. */
  bind(statement: string, values: readonly (string | null)[]): void {
    const start = this.#begin(BIND, 3 * statement.length + 16);
    this.#cstring('');
    this.#cstring(statement);
    this.#int16(0);
    this.#int16(values.length);
    for (const value of values) this.#value(value);
    this.#reserve(2);
    this.#int16(0);
    this.#finish(start);
  }

  describePortal(): void {
    this.#fixed(DESCRIBE_PORTAL);
  }

  /** All rows of the unnamed portal. */
  execute(): void {
    this.#fixed(EXECUTE);
  }

  sync(): void {
    this.#fixed(SYNC);
  }

  /** Of the simple protocol; it brings its own Sync. */
  query(text: string): void {
    const start = this.#begin(QUERY, 3 * text.length + 1);
    this.#cstring(text);
    this.#finish(start);
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#end));
    this.#end = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    return taken;
  }

  #begin(code: number, bytes: number): number {
    this.#reserve(5 + bytes);
    const start = this.#end;
    this.#buffer[start] = code;
    this.#end += 5;
    return start;
  }

  #finish(start: number): void {
    this.#buffer.writeInt32BE(this.#end - start - 1, start + 1);
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#end + bytes));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#buffer = grown;
  }

  #int16(value: number): void {
    this.#end = this.#buffer.writeUInt16BE(value, this.#end);
  }

  #cstring(text: string): void {
    this.#end += this.#buffer.write(text, this.#end);
    this.#buffer[this.#end++] = 0;
  }

  #value(value: string | null): void {
    this.#reserve(4 + 3 * (value?.length ?? 0));
    const start = this.#end;
    this.#end += 4;
    if (value !== null) this.#end += this.#buffer.write(value, this.#end);
    this.#buffer.writeInt32BE(value === null ? -1 : this.#end - start - 4, start);
  }

  #fixed(message: Buffer): void {
    this.#reserve(message.length);
    this.#end += message.copy(this.#buffer, this.#end);
  }
}

const INITIAL_BYTES = 4096;
const KEPT_BYTES = 65_536;
const PARSE = 0x50;
const QUERY = 0x51;
const BIND = 0x42;
const DESCRIBE_PORTAL = Buffer.from('D\0\0\0\x06P\0', 'latin1');
const EXECUTE = Buffer.from('E\0\0\0\x09\0\0\0\0\0', 'latin1');
const SYNC = Buffer.from('S\0\0\0\x04', 'latin1');

/** Ends the session; https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-TERMINATION */
export const TERMINATE = Buffer.from('X\0\0\0\x04', 'latin1');
