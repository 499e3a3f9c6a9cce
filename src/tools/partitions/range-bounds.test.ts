import { describe, expect, it } from 'vitest';
import { contains, findGaps, inOrder, isReadable, isTime, readRange, type Range } from './range-bounds.ts';

const read = (from: string, to: string, type = 'date') => readRange(`FOR VALUES FROM (${from}) TO (${to})`, type);
const range = (from: string, to: string, type = 'date'): Range => {
  const made = read(from, to, type);
  if (!made) throw new Error(`${from} to ${to} was not read`);
  return made;
};

describe('reading a range', () => {
  it.each([
    ['date', "'2024-02-29'", 1_709_164_800],
    ['timestamp without time zone', "'2024-02-29 12:00:00.5'", 1_709_208_000.5],
    ['timestamp with time zone', "'2024-02-29 12:00:00+00'", 1_709_208_000],
    ['date', "'infinity'", Infinity],
    ['date', "'-infinity'", -Infinity],
    ['date', 'MINVALUE', -Infinity],
    ['bigint', 'MAXVALUE', Infinity],
    ['bigint', "'-9223372036854775808'", -9_223_372_036_854_775_808n],
    ['integer', '10', 10n],
  ])('knows the order of a %s %s', (type, literal, order) => {
    expect(read(literal, 'MAXVALUE', type)?.from.order).toBe(order);
  });

  it.each([
    ['date', "'0044-03-15 BC'"],
    ['date', "'10000-01-01'"],
    ['timestamp with time zone', "'2024-02-29 12:00:00+02'"],
    ['timestamp without time zone', "'2024-13-01 00:00:00'"],
    ['integer', "'ten'"],
    ['text', "'a'"],
    ['numeric', '1.5'],
    ['uuid', "'00000000-0000-0000-0000-000000000000'"],
  ])('does not guess a %s %s', (type, literal) => {
    expect(read(literal, 'MAXVALUE', type)).toBeUndefined();
  });

  it.each([
    'DEFAULT',
    "FOR VALUES IN ('a')",
    'FOR VALUES WITH (modulus 2, remainder 0)',
    'FOR VALUES FROM (1, 2) TO (3, 4)',
    '',
  ])('takes %s for no range', (bound) => {
    expect(readRange(bound, 'integer')).toBeUndefined();
  });

  it('knows which types it reads', () => {
    expect([isReadable('integer'), isReadable('text'), isReadable(null), isReadable('toString')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([isTime('date'), isTime('integer'), isTime(null)]).toEqual([true, false, false]);
  });
});

describe('ranges in order', () => {
  const january = range("'2024-01-01'", "'2024-02-01'");
  const march = range("'2024-03-01'", "'2024-04-01'");
  const february = range("'2024-02-01'", "'2024-03-01'");

  it('have gaps where one does not begin with the end of the other', () => {
    expect(findGaps(inOrder([march, january]))).toEqual([{ from: january.to, to: march.from }]);
    expect(findGaps(inOrder([march, january, february]))).toEqual([]);
    const low = range('MINVALUE', '10', 'bigint');
    const high = range('11', 'MAXVALUE', 'bigint');
    expect(findGaps(inOrder([high, low]))).toEqual([{ from: low.to, to: high.from }]);
  });

  it('begin with their lower bound and end before their upper', () => {
    expect([1_704_067_199, 1_704_067_200, 1_706_745_599, 1_706_745_600].map((at) => contains(january, at))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
