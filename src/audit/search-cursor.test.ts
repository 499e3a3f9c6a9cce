import { expect, it } from 'vitest';
import { readCursor, writeCursor } from './search-cursor.ts';

const FILTERS = { principal: 'ada', since: '2h' };
const CURSOR = {
  place: { at: '2026-01-31T10:20:30.123Z', id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec' },
  since: '2026-01-31T08:20:30.123Z',
  until: undefined,
};
const text = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

it('gives back where a search goes on, and the times that it began with', () => {
  expect(readCursor(writeCursor(CURSOR, FILTERS), FILTERS)).toEqual(CURSOR);
});

it('is of one search', () => {
  const cursor = writeCursor(CURSOR, FILTERS);
  expect(() => readCursor(cursor, { ...FILTERS, principal: 'eve' })).toThrow('other filters');
});

it.each([
  '',
  '!',
  text(null),
  text({}),
  text(['infinity', 'x', null, null, '']),
  text([CURSOR.place.at, "' or true", null, null, '']),
])('refuses %j', (cursor) => {
  expect(() => readCursor(cursor, FILTERS)).toThrow('is no cursor of a search');
});
