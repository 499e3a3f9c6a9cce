import { expect, it } from 'vitest';
import { applyEdits, originalPosition, overlap, unitOfByte, writtenParts, type Edit } from './edit.ts';

const TEXT = 'select ü🐘 from users u, t where x';
const at = (word: string) => TEXT.indexOf(word);
const EDITS: readonly Edit[] = [
  { start: at('users'), end: at('users') + 5, text: '(SELECT 🐘 FROM users)' },
  { start: at('t where'), end: at('t where') + 1, text: '' },
];
const EDITED = applyEdits(TEXT, EDITS);

it('puts texts in the place of parts', () => {
  expect(EDITED).toBe('select ü🐘 from (SELECT 🐘 FROM users) u,  where x');
});

it('finds what was written, in bytes', () => {
  const [part] = writtenParts(TEXT, EDITS);
  expect(
    Buffer.from(EDITED)
      .subarray(part?.start ?? 0, part?.end ?? 0)
      .toString(),
  ).toBe('(SELECT 🐘 FROM users)');
});

it('leads from every position in the edited text to the same character of the original, or nowhere', () => {
  const [before, after] = [Array.from(TEXT), Array.from(EDITED)];
  const written = Array.from(EDITED.slice(0, EDITED.indexOf('('))).length;
  const end = written + Array.from('(SELECT 🐘 FROM users)').length;
  const found = after.map((_, i) => before[(originalPosition(TEXT, EDITS, i + 1) ?? 0) - 1]);
  expect(found).toEqual(after.map((character, i) => (i >= written && i < end ? undefined : character)));
  expect(originalPosition(TEXT, EDITS, after.length + 1)).toBe(before.length + 1);
  expect(originalPosition(TEXT, EDITS, after.length + 2)).toBeUndefined();
  expect(originalPosition(TEXT, EDITS, 0)).toBeUndefined();
  expect(originalPosition(TEXT, [], 3)).toBe(3);
});

it('finds characters by bytes, and nothing inside of one', () => {
  expect(unitOfByte(TEXT, 7)).toBe(7);
  expect(unitOfByte(TEXT, 9)).toBe(8);
  expect(unitOfByte(TEXT, Buffer.byteLength('select ü🐘'))).toBe('select ü🐘'.length);
  for (const byte of [-1, 8, 10, 11, 12, 1000]) expect(unitOfByte(TEXT, byte)).toBeUndefined();
});

it('knows edits that touch the same part', () => {
  expect(overlap(EDITS)).toBe(false);
  expect(
    overlap([
      { start: 1, end: 5, text: '' },
      { start: 4, end: 6, text: '' },
    ]),
  ).toBe(true);
});
