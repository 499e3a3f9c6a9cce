import { expect, it } from 'vitest';
import { rangeAfter } from './next-range.ts';
import { readRange, type Range } from './range-bounds.ts';

type Ends = readonly [string, string];

const literal = (text: string) => (/^[A-Z]/.test(text) ? text : `'${text}'`);

function rangeOf([from, to]: Ends, type: string, local: Ends | undefined): Range {
  const range = readRange(`FOR VALUES FROM (${literal(from)}) TO (${literal(to)})`, type, {
    from: local?.[0] ?? null,
    to: local?.[1] ?? null,
  });
  if (!range) throw new Error(`${from} to ${to} was not read`);
  return range;
}

const after = (type: string, ends: Ends) => rangeAfter([rangeOf(ends, type, undefined)], 'UTC');

it.each([
  ['date', ['2024-01-01', '2024-02-01'], ['2024-02-01', '2024-03-01', '20240201']],
  ['date', ['2024-10-01', '2025-01-01'], ['2025-01-01', '2025-04-01', '20250101']],
  ['date', ['2024-02-28', '2024-02-29'], ['2024-02-29', '2024-03-01', '20240229']],
  ['date', ['2024-05-15', '2024-06-15'], ['2024-06-15', '2024-07-15', '20240615']],
  [
    'timestamp without time zone',
    ['2023-01-01 00:00:00', '2024-01-01 00:00:00'],
    ['2024-01-01 00:00:00', '2025-01-01 00:00:00', '20240101'],
  ],
  [
    'timestamp without time zone',
    ['2024-01-01 06:00:00', '2024-01-01 12:00:00'],
    ['2024-01-01 12:00:00', '2024-01-01 18:00:00', '20240101120000'],
  ],
  [
    'timestamp with time zone',
    ['2024-02-28 22:00:00+00', '2024-02-28 23:00:00+00'],
    ['2024-02-28 23:00:00+00', '2024-02-29 00:00:00+00', '20240228230000'],
  ],
  [
    'timestamp with time zone',
    ['2024-02-28 12:00:00+00', '2024-02-28 18:00:00+00'],
    ['2024-02-28 18:00:00+00', '2024-02-29 00:00:00+00', '20240228180000'],
  ],
] as const)('of the %s range %j the next is %j', (type, ends, [from, to, name]) => {
  expect(after(type, ends)).toEqual({ from, to, name });
});

it.each([
  ['2024-01-01', 'MAXVALUE', 'date'],
  ['MINVALUE', '2024-01-01', 'date'],
  ['9999-01-01', '9999-12-01', 'date'],
  ['1', '2', 'integer'],
  ['2024-01-01 00:00:00', '2024-01-01 00:00:00.5', 'timestamp without time zone'],
])('there is none after %s to %s', (from, to, type) => {
  expect(after(type, [from, to])).toBeUndefined();
});

const BERLIN = 'Europe/Berlin';
/** Each as our sessions read it, and as the clock in Berlin shows it. */
const berlin = (...ranges: readonly (readonly [Ends, Ends])[]) =>
  rangeAfter(
    ranges.map(([ends, local]) => rangeOf(ends, 'timestamp with time zone', local)),
    BERLIN,
  );

it.each([
  [
    'months',
    ['2026-10-31 23:00:00+00', '2026-11-30 23:00:00+00'],
    ['2026-11-01 00:00:00', '2026-12-01 00:00:00'],
    ['2026-12-01 00:00:00 Europe/Berlin', '2027-01-01 00:00:00 Europe/Berlin', '20261201'],
  ],
  [
    'months, into summer',
    ['2027-01-31 23:00:00+00', '2027-02-28 23:00:00+00'],
    ['2027-02-01 00:00:00', '2027-03-01 00:00:00'],
    ['2027-03-01 00:00:00 Europe/Berlin', '2027-04-01 00:00:00 Europe/Berlin', '20270301'],
  ],
  [
    'the month that has an hour more',
    ['2026-09-30 22:00:00+00', '2026-10-31 23:00:00+00'],
    ['2026-10-01 00:00:00', '2026-11-01 00:00:00'],
    ['2026-11-01 00:00:00 Europe/Berlin', '2026-12-01 00:00:00 Europe/Berlin', '20261101'],
  ],
  [
    'the day that has an hour less',
    ['2026-03-28 23:00:00+00', '2026-03-29 22:00:00+00'],
    ['2026-03-29 00:00:00', '2026-03-30 00:00:00'],
    ['2026-03-30 00:00:00 Europe/Berlin', '2026-03-31 00:00:00 Europe/Berlin', '20260330'],
  ],
  [
    'weeks',
    ['2026-10-18 22:00:00+00', '2026-10-25 23:00:00+00'],
    ['2026-10-19 00:00:00', '2026-10-26 00:00:00'],
    ['2026-10-26 00:00:00 Europe/Berlin', '2026-11-02 00:00:00 Europe/Berlin', '20261026'],
  ],
  [
    'months that were made in UTC',
    ['2026-11-01 00:00:00+00', '2026-12-01 00:00:00+00'],
    ['2026-11-01 01:00:00', '2026-12-01 01:00:00'],
    ['2026-12-01 00:00:00+00', '2027-01-01 00:00:00+00', '20261201'],
  ],
  [
    'hours, through the one that comes twice',
    ['2026-10-25 00:00:00+00', '2026-10-25 01:00:00+00'],
    ['2026-10-25 02:00:00', '2026-10-25 02:00:00'],
    ['2026-10-25 01:00:00+00', '2026-10-25 02:00:00+00', '20261025010000'],
  ],
] as const)('goes by the clock of the server: %s', (_, ends, local, [from, to, name]) => {
  expect(berlin([ends, local])).toEqual({ from, to, name });
});

it('takes no winter of London for UTC, where the ranges before tell them apart', () => {
  const winter: Ends = ['2027-02-01 00:00:00+00', '2027-03-01 00:00:00+00'];
  const zoned = (ends: Ends, local: Ends) => rangeOf(ends, 'timestamp with time zone', local);
  const last = zoned(winter, ['2027-02-01 00:00:00', '2027-03-01 00:00:00']);
  const inLondon = zoned(
    ['2026-08-31 23:00:00+00', '2026-09-30 23:00:00+00'],
    ['2026-09-01 00:00:00', '2026-10-01 00:00:00'],
  );
  const inUtc = zoned(
    ['2026-09-01 00:00:00+00', '2026-10-01 00:00:00+00'],
    ['2026-09-01 01:00:00', '2026-10-01 01:00:00'],
  );
  expect(rangeAfter([inLondon, last], 'Europe/London')?.to).toBe('2027-04-01 00:00:00 Europe/London');
  expect(rangeAfter([inUtc, last], 'Europe/London')?.to).toBe('2027-04-01 00:00:00+00');
});

it.each([
  [
    'by neither clock',
    ['2026-11-01 05:00:00+00', '2026-12-01 05:00:00+00'],
    ['2026-11-01 06:00:00', '2026-12-01 06:00:00'],
  ],
  ['by a clock that is not known', ['2026-10-31 23:00:00+00', '2026-11-30 23:00:00+00'], undefined],
  [
    'in parts of a day that a change of the clock shifts',
    ['2026-11-01 05:00:00+00', '2026-11-01 11:00:00+00'],
    ['2026-11-01 06:00:00', '2026-11-01 12:00:00'],
  ],
] as const)('does not guess what was made %s', (_, ends, local) => {
  expect(rangeAfter([rangeOf(ends, 'timestamp with time zone', local)], BERLIN)).toBeUndefined();
});
