import { expect, it } from 'vitest';
import { createLineSplitter } from './line-splitter.ts';

function split(maxBytes: number, chunks: readonly string[]): string[] {
  const seen: string[] = [];
  const splitter = createLineSplitter(maxBytes, {
    line: (bytes) => seen.push(Buffer.from(bytes).toString()),
    overlong: () => seen.push('(overlong)'),
  });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return seen;
}

it.each([
  [['a\nb\n'], ['a', 'b']],
  [
    ['a', 'b\nc', '\n'],
    ['ab', 'c'],
  ],
  [['a\n\nb'], ['a', '', 'b']],
  [[''], []],
  [['é'.repeat(3), '\n'], ['ééé']],
])('cuts %j into %j', (chunks, lines) => {
  expect(split(100, chunks)).toEqual(lines);
});

it('takes a line of exactly the limit and drops a longer one, up to its newline', () => {
  expect(split(4, ['abcd\nabcde\nab'])).toEqual(['abcd', '(overlong)', 'ab']);
  expect(split(4, ['ab', 'cd', 'e', 'f\n', 'next\n'])).toEqual(['(overlong)', 'next']);
  expect(split(4, ['abcdefgh'])).toEqual(['(overlong)']);
});

it('holds no more than twice the limit, whatever comes and in however small pieces', () => {
  const splitter = createLineSplitter(100_000, { line: () => undefined, overlong: () => undefined });
  const piece = Buffer.alloc(7, 'x');
  splitter.push(piece);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 1_000_000; i++) splitter.push(piece);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});
