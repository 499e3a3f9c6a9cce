import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const names = ['server_overview', 'list_tables', 'activity', 'top_statements'];

it.each([
  ['list_table', 'list_tables'],
  ['ListTables', 'list_tables'],
  ['activty', 'activity'],
  ['actviity', 'activity'],
  ['top-statement', 'top_statements'],
  ['backup', undefined],
  ['', undefined],
])('for %j suggests %s', (name, expected) => {
  expect(nearest(name, names)).toBe(expected);
});

it('is quick for a name that is far too long', () => {
  expect(nearest('x'.repeat(1_000_000), names)).toBeUndefined();
});
