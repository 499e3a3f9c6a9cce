import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFirstLine, readLines, readLinesBackwards, type Line } from './lines.ts';

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-lines-'));
  path = join(directory, 'lines');
});
afterAll(() => rmSync(directory, { recursive: true }));

async function texts(lines: AsyncGenerator<Line>): Promise<string[]> {
  const found: string[] = [];
  for await (const { bytes, terminated } of lines) found.push(`${bytes.toString()}${terminated ? '' : '…'}`);
  return found;
}

const LONG = 'é'.repeat(100_000);

describe.each([
  ['an empty file', '', []],
  ['one line', 'a\n', ['a']],
  ['a line that never ended', 'a\nb', ['a', 'b…']],
  ['nothing but the beginning of a line', 'a', ['a…']],
  ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
  ['lines longer than a read', `${LONG}\nb\n${LONG}\n`, [LONG, 'b', LONG]],
  [
    'a newline at the end of a read',
    `${'x'.repeat(65_535)}\n${'y'.repeat(65_535)}\nz\n`,
    ['x'.repeat(65_535), 'y'.repeat(65_535), 'z'],
  ],
  [
    'many lines',
    Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join(''),
    Array.from({ length: 30_000 }, (_, i) => `${i}`),
  ],
])('%s', (_, content, expected) => {
  it('is read forwards, the end of each line known', async () => {
    writeFileSync(path, content);
    expect(await texts(readLines(path))).toEqual(expected);
    const ends: number[] = [];
    for await (const { end, terminated } of readLines(path)) if (terminated) ends.push(end);
    expect(ends).toEqual([...Buffer.from(content).entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1));
  });

  it('is read backwards, without a line that never ended', async () => {
    writeFileSync(path, content);
    const complete = expected.filter((line) => !line.endsWith('…'));
    expect(await texts(readLinesBackwards(path))).toEqual(complete.toReversed());
    let last = 0;
    for await (const { end } of readLinesBackwards(path)) last = Math.max(last, end);
    expect(last).toBe(Buffer.from(content).lastIndexOf('\n') + 1);
  });
});

describe('readLines', () => {
  it('begins where it is told to', async () => {
    writeFileSync(path, 'first\nsecond\nthird');
    expect(await texts(readLines(path, 6))).toEqual(['second', 'third…']);
  });

  it('refuses a line that no event can be, before it fills the memory', async () => {
    writeFileSync(path, 'x'.repeat(4_300_000));
    await expect(texts(readLines(path))).rejects.toThrow(RangeError);
    writeFileSync(path, `${'x'.repeat(4_300_000)}\n`);
    await expect(texts(readLinesBackwards(path))).rejects.toThrow(RangeError);
  });
});

describe('readFirstLine', () => {
  it('finds none while it is being written', async () => {
    writeFileSync(path, 'half');
    expect(await readFirstLine(path)).toBeUndefined();
    writeFileSync(path, 'half\n');
    expect((await readFirstLine(path))?.toString()).toBe('half');
  });
});
