import { describe, expect, it } from 'vitest';
import { meanWords, mostToastPages, pagesFor, rowSize, someNull, widthOf, type StoredColumn } from './row-layout.ts';

const integer: StoredColumn = { align: 'i', length: 4, width: 4, null_frac: 0 };
const bigint: StoredColumn = { align: 'd', length: 8, width: 8, null_frac: 0 };
const boolean: StoredColumn = { align: 'c', length: 1, width: 1, null_frac: 0 };
const text = (width: number): StoredColumn => ({ align: 'i', length: -1, width, null_frac: 0 });
const page = { block_size: 8192, fillfactor: 100 };

describe('widthOf', () => {
  it.each<[string, StoredColumn[], number]>([
    ['nothing', [], 0],
    ['a number behind a smaller one, with a gap', [integer, bigint], 16],
    ['numbers without a gap, up to a whole word', [bigint, integer], 16],
    ['a flag before each number', [boolean, integer, boolean, bigint], 24],
    ['a short text, and half a word until the next', [boolean, text(10)], 11 + 3.5],
    ['a long text, whose length is aligned', [boolean, text(204)], 4 + 204 + 3.5],
    ['two numbers behind a text, of which the first alone needs room', [text(10), integer, integer], 10 + 1.5 + 8 + 2],
    ['what is null half of the time', [integer, { ...bigint, null_frac: 0.5 }], 4 + 6 + 3.5],
    ['what is always null', [{ ...bigint, null_frac: 1 }, integer], 1.5 + 4 + 2],
  ])('lays out %s', (_, columns, width) => {
    expect(widthOf(columns)).toBe(width);
  });
});

it('knows how likely a null is', () => {
  expect(someNull([integer, bigint])).toBe(0);
  expect(
    someNull([
      { ...integer, null_frac: 0.5 },
      { ...bigint, null_frac: 0.5 },
    ]),
  ).toBe(0.75);
});

describe('rowSize', () => {
  it('has a header, which eight nulls do not make larger', () => {
    expect(rowSize([integer, bigint], 2)).toBe(24 + 16);
    expect(rowSize([{ ...integer, null_frac: 1 }], 8)).toBe(24 + 3.5);
  });

  it('has a larger one where a ninth column can be null, or was dropped', () => {
    const nine = Array.from({ length: 9 }, () => integer);
    expect(rowSize(nine, 9)).toBe(24 + 40);
    expect(rowSize([...nine.slice(1), { ...integer, null_frac: 1 }], 9)).toBe(32 + 32 + 3.5);
    expect(rowSize([integer], 9)).toBe(32 + 8);
  });
});

describe('pagesFor', () => {
  it('counts whole rows to a page, by its fillfactor', () => {
    // (8192 - 24) / 236 = 34.6
    expect(pagesFor(2000, 232, page)).toBe(59);
    expect(pagesFor(2000, 232, { ...page, fillfactor: 50 })).toBe(118);
    expect(pagesFor(0, 232, page)).toBe(0);
  });

  it('gives a page to a row that hardly fits', () => {
    expect(pagesFor(10, 8160, page)).toBe(10);
    expect(pagesFor(10, 8160, { ...page, fillfactor: 10 })).toBe(10);
  });
});

it('has at least four chunks of TOAST on a page', () => {
  expect(mostToastPages(1000)).toBe(250);
  expect(mostToastPages(1)).toBe(1);
});

it('takes rows for alike whose mean length is an integer', () => {
  expect(meanWords(2010, 10)).toBe(208);
  expect(meanWords(2015, 10)).toBe(205);
});
