import { expect, it } from 'vitest';
import { readTableName, type TableName } from './table-name.ts';

const write = ({ schema, table }: TableName) => (schema === null ? table : `${schema}|${table}`);

it.each([
  ['orders', ['orders']],
  ['Order', ['Order', 'order']],
  ['shop.Order', ['shop.Order', 'shop|Order', 'shop.order', 'shop|order']],
  ['we.ird.Mixed', ['we.ird.Mixed', 'we|ird.Mixed', 'we.ird|Mixed', 'we.ird.mixed', 'we|ird.mixed', 'we.ird|mixed']],
  ['"Order"', ['Order']],
  ['Shop."Order"', ['shop|Order']],
  ['"we.ird"."Mixed Case"', ['we.ird|Mixed Case']],
  [' "a""b" . c ', ['a"b|c']],
  ['"a"."b"."c"', ['"a"."b"."c"', '"a"|"b"."c"', '"a"."b"|"c"']],
  ['half"quoted', ['half"quoted']],
  ['"', ['"']],
])('reads %s', (text, meanings) => {
  expect(readTableName(text, undefined).map(write)).toEqual(meanings);
});

it('takes a schema that is given, and no other', () => {
  expect(readTableName('Order', 'shop').map(write)).toEqual(['shop|Order', 'shop|order']);
  expect(readTableName('shop.orders', 'shop').map(write)).toEqual(['shop|shop.orders', 'shop|orders']);
  expect(readTableName('"crm"."orders"', 'shop')).toEqual([]);
});
