import { expect, it } from 'vitest';
import { pageOf } from './cursor.ts';

const items = ['a', 'b', 'c', 'd', 'ä'].map((name) => ({ name }));
const list = ['tools', 'dba'];

function names(given = items, size = 2): string[][] {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = pageOf(given, { cursor, list, size });
    pages.push(page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

it('goes through all items once', () => {
  expect(names()).toEqual([['a', 'b'], ['c', 'd'], ['ä']]);
  expect(names(items.slice(0, 4))).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  expect(names([])).toEqual([[]]);
});

it('goes on after the same name when the list has changed', () => {
  const { nextCursor } = pageOf(items, { cursor: undefined, list, size: 2 });
  const changed = [{ name: 'aa' }, { name: 'c' }];
  expect(pageOf(changed, { cursor: nextCursor, list, size: 2 }).items).toEqual([{ name: 'c' }]);
});

const cursor = String(pageOf(items, { cursor: undefined, list, size: 2 }).nextCursor);
const flip = (at: number) => {
  const bytes = Buffer.from(cursor, 'base64url');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes.toString('base64url');
};

it.each([
  ['made up', 'Mg', list],
  ['empty but for its seal', Buffer.from(cursor, 'base64url').subarray(0, 16).toString('base64url'), list],
  ['with another seal', flip(0), list],
  ['with another name', flip(16), list],
  ['of another list', cursor, ['resources', 'dba']],
  ['of another persona', cursor, ['tools', 'viewer']],
])('MS-05, MS-08: refuses a cursor %s', (_, given, of) => {
  expect(() => pageOf(items, { cursor: given, list: of, size: 2 })).toThrow(
    expect.objectContaining({ code: 'INVALID_INPUT' }),
  );
});
