import { expect, it } from 'vitest';
import { compile, extensionSchema, param, quoteIdentifier, sql } from './sql.ts';

it('numbers one name once', () => {
  const limit = param('limit');
  expect(compile(sql`select ${limit}, ${param('x')} limit ${limit}`)).toEqual({
    text: 'select $1, $2 limit $1',
    params: ['limit', 'x'],
  });
});

it('splices fragments and takes the indentation away', () => {
  const column = sql`c.relname`;
  const query = sql`
    select ${column}
      from pg_catalog.pg_class c`;
  expect(compile(query).text).toBe('select c.relname\n  from pg_catalog.pg_class c');
});

it('quotes the schema of an extension', () => {
  const query = sql`select from ${extensionSchema('pg_stat_statements')}.pg_stat_statements`;
  expect(compile(query, () => 'my "ext"').text).toBe('select from "my ""ext""".pg_stat_statements');
  expect(() => compile(query)).toThrow('needs the schema of the extension pg_stat_statements');
});

it.each([
  ['Order', '"Order"'],
  ['we.ird', '"we.ird"'],
  ['a"; drop table x; --', '"a""; drop table x; --"'],
])('quotes %s', (name, quoted) => {
  expect(quoteIdentifier(name)).toBe(quoted);
});
