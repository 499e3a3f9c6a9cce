import { expect, it } from 'vitest';
import { parseResourceUri, toolUri } from './resource-uri.ts';

it.each([
  ['pg://shop/orders/public/items', ['shop', 'orders', 'public', 'items']],
  ['pg://shop/a%2Fb/My%20Schema/%22q%22', ['shop', 'a/b', 'My Schema', '"q"']],
  ['pg://shop/db/../..', ['shop', 'db', '..', '..']],
  ['pg://shop/db/s/%2525', ['shop', 'db', 's', '%25']],
  ['pg://shop/db/s/t%C3%A4', ['shop', 'db', 's', 'tä']],
])('reads %s', (uri, [server, database, schema, table]) => {
  expect(parseResourceUri(uri)).toEqual({ kind: 'table', server, database, schema, table });
});

it('reads what it writes for a tool', () => {
  expect(parseResourceUri(toolUri('list_tables'))).toEqual({ kind: 'tool', name: 'list_tables' });
});

it.each([
  '',
  'pg://',
  'pg://shop/db/schema',
  'pg://shop/db/schema/',
  'pg:///db/schema/table',
  'pg://shop/db/schema/table/more',
  'pg://shop/db/schema/table?x=1',
  'pg://shop/db/schema/table#x',
  'PG://shop/db/schema/table',
  'pg://shop/db/schema/%',
  'pg://shop/db/schema/%C3',
  'pg://shop/db/schema/%00',
  `pg://shop/db/schema/${'x'.repeat(64)}`,
  'file:///etc/passwd',
  'howdah://tools',
  'howdah://tools/a/b',
  'howdah://other/a',
])('knows no resource %j', (uri) => {
  expect(parseResourceUri(uri)).toBeUndefined();
});
