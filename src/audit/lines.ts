import { open, type FileHandle } from 'node:fs/promises';

const CHUNK = 65_536;
const NEWLINE = 0x0a;
/** Longer than any event can become: texts, input and details are bounded when they are recorded. */
const MAX_LINE = 4_194_304;

export interface Line {
  /** The bytes without the newline. */
  readonly bytes: Buffer;
  /** Where the next line begins in the file. */
  readonly end: number;
  /** False for what stands after the last newline: a write that never ended. */
  readonly terminated: boolean;
}

/** The lines of a file from a position on, in constant memory; throws RangeError for a line of more than 4 MiB. */
export async function* readLines(path: string, from = 0): AsyncGenerator<Line, void, undefined> {
  const file = await open(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    let start = from;
    for (;;) {
      const chunk = await readChunk(file, start + rest.length);
      if (chunk.length === 0) break;
      rest = Buffer.concat([rest, chunk]);
      for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE)) {
        start += at + 1;
        yield { bytes: rest.subarray(0, at), end: start, terminated: true };
        rest = rest.subarray(at + 1);
      }
      refuseOverlong(rest);
    }
    if (rest.length > 0) yield { bytes: rest, end: start + rest.length, terminated: false };
  } finally {
    await file.close();
  }
}

/** The first line of a file, if that is complete. */
export async function readFirstLine(path: string): Promise<Buffer | undefined> {
  for await (const { bytes, terminated } of readLines(path)) return terminated ? bytes : undefined;
  return undefined;
}

/** The complete lines of a file, last one first, in constant memory; what stands after the last newline is passed over. */
export async function* readLinesBackwards(path: string): AsyncGenerator<Line, void, undefined> {
  const file = await open(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    let end = -1;
    for (let position = (await file.stat()).size; position > 0;) {
      const from = Math.max(0, position - CHUNK);
      let chunk = await readChunk(file, from, position - from);
      for (let at = chunk.lastIndexOf(NEWLINE); at !== -1; at = chunk.lastIndexOf(NEWLINE)) {
        const bytes = Buffer.concat([chunk.subarray(at + 1), rest]);
        if (end !== -1) yield { bytes, end, terminated: true };
        end = from + at + 1;
        rest = Buffer.alloc(0);
        chunk = chunk.subarray(0, at);
      }
      if (end !== -1) rest = Buffer.concat([chunk, rest]);
      refuseOverlong(rest);
      position = from;
    }
    if (end !== -1) yield { bytes: rest, end, terminated: true };
  } finally {
    await file.close();
  }
}

async function readChunk(file: FileHandle, position: number, length = CHUNK): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function refuseOverlong(line: Buffer): void {
  if (line.length > MAX_LINE) throw new RangeError('A line is longer than 4 MiB.');
}
