import { expect, it } from 'vitest';
import { compileUriForm } from './resource-uri.ts';

const table = compileUriForm('pg://{server}/{database}/{schema}/{table}');
const tool = compileUriForm('howdah://tools/{name}');

it.each([
  ['pg://shop/orders/public/items', ['shop', 'orders', 'public', 'items']],
  ['pg://shop/a%2Fb/My%20Schema/%22q%22', ['shop', 'a/b', 'My Schema', '"q"']],
  ['pg://shop/db/../..', ['shop', 'db', '..', '..']],
  ['pg://shop/db/s/%2525', ['shop', 'db', 's', '%25']],
  ['pg://shop/db/s/t%C3%A4', ['shop', 'db', 's', 'tä']],
])('reads %s', (uri, [server, database, schema, name]) => {
  expect(table.parse(uri)).toEqual({ server, database, schema, table: name });
});

it('reads an address with a fixed part, and one without variables as it is', () => {
  expect(tool.parse('howdah://tools/list_tables')).toEqual({ name: 'list_tables' });
  expect(compileUriForm('test://a.b').parse('test://a.b')).toEqual({});
  expect(compileUriForm('test://a.b').parse('test://aXb')).toBeUndefined();
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
  expect(table.parse(uri)).toBeUndefined();
  expect(tool.parse(uri)).toBeUndefined();
});
