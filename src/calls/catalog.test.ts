import { expect, it } from 'vitest';
import { z } from 'zod';
import { createCatalog } from './catalog.ts';
import type { Operation } from './operation.ts';

const operation = (name: string, alsoKnownAs: Operation['alsoKnownAs'] = {}): Operation => ({
  kind: 'tool',
  name,
  area: 'tables',
  accessClass: 'schema',
  title: name,
  description: name,
  input: z.strictObject({}),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs,
  run: () => Promise.resolve({}),
});

it('finds an operation by its name and by an alias', () => {
  const catalog = createCatalog([operation('list_tables', { get_table_list: { database_name: 'database' } })]);
  expect(catalog.find('list_tables').argumentNames).toBeUndefined();
  expect(catalog.find('get_table_list')).toMatchObject({
    operation: { name: 'list_tables' },
    argumentNames: { database_name: 'database' },
  });
});

it.each(['__proto__', 'constructor', 'toString', 'LIST_TABLES', ''])('does not find %j', (name) => {
  const catalog = createCatalog([operation('list_tables')]);
  expect(() => catalog.find(name)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

it('suggests the name that was meant', () => {
  const catalog = createCatalog([operation('list_tables')]);
  expect(() => catalog.find('list_table')).toThrow(expect.objectContaining({ hint: 'Did you mean "list_tables"?' }));
});

it('refuses two operations of one name', () => {
  expect(() => createCatalog([operation('a'), operation('b', { a: {} })])).toThrow('two operations are named "a"');
});

it('does not start with a method of which nobody has said who may have what it reveals', () => {
  const method = { ...operation('secrets/list'), kind: 'method' } as const;
  expect(() => createCatalog([method])).toThrow('the method "secrets/list" declares no policy');
  expect(() =>
    createCatalog([
      { ...method, reveals: 'nothing' },
      { ...method, name: 'b', actsAs: () => [] },
    ]),
  ).not.toThrow();
});

it('does not start with an operation that takes "purpose" for something else', () => {
  const reading = { ...operation('audit_search'), input: z.strictObject({ purpose: z.string() }) };
  expect(() => createCatalog([reading])).toThrow('"audit_search" takes an argument "purpose"');
});
