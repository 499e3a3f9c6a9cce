/** Where masks meet what they cannot be sure of. The tests of masks on servers have the rest. */
import { expect, it } from 'vitest';
import type { DataAccess } from './access.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import { maskStatement, verifyMasked, type Masked } from './mask-statement.ts';
import type { References, RelationReference } from './references.ts';

const VISIBLE = { access: 'visible' } as const;
const access: DataAccess = {
  hides: true,
  relation: () => VISIBLE,
  column: (_, __, column) => (column === 'email' ? { access: 'masked', mask: 'redact', rule: 'r' } : VISIBLE),
  grantsRelation: () => false,
  grantsFunction: () => false,
};
const column = (name: string, number: number) => ({ name, number, typeOid: 25, generatedFrom: [] });
const users: RelationFacts = {
  oid: 1,
  schema: 'shop',
  name: 'users',
  kind: 'table',
  isSystem: false,
  extension: undefined,
  columns: [column('id', 1), column('email', 2)],
  family: [],
  descendants: [],
  hasWriteRules: false,
  runsProgram: false,
  reaches: [],
  unreadable: false,
};
const orders: RelationFacts = { ...users, oid: 2, name: 'orders', columns: [column('id', 1)] };
const orphan: RelationFacts = { ...orders, oid: 3, name: 'orphan', family: [99] };
const all = [users, orders, orphan];
const facts: CatalogFacts = {
  major: 18,
  path: ['pg_catalog', 'shop'],
  relation: ({ name }) => all.find((each) => each.name === name),
  relationByOid: (oid) => all.find((each) => each.oid === oid),
  functions: () => [],
  operators: () => [],
  type: () => undefined,
  unnamed: [],
};

function referring(...relations: readonly (Partial<RelationReference> & { readonly at: number })[]): References {
  const plain = {
    schema: undefined,
    name: 'users',
    only: false,
    alias: undefined,
    sampled: false,
    form: 'from',
  } as const;
  return {
    relations: relations.map((each) => ({ ...plain, ...each })),
    functions: [],
    operators: [],
    types: [],
    attributes: [],
    ctes: new Set(),
  };
}

const SQL = 'select * from users';
const mask = (references: References, sql = SQL) => maskStatement(sql, references, facts, access);
const HELD = `(SELECT "id", (CASE WHEN "email" IS NOT NULL THEN '[redacted]'::pg_catalog.text END) COLLATE pg_catalog."default" AS "email" FROM "shop"."users")`;

it('puts a sub-select in the place of a table with masks', () => {
  expect(mask(referring({ at: 14 }))).toMatchObject({
    text: `select * from ${HELD} "users"`,
    wantsMaskKey: false,
    maskedColumns: new Set(['1.2']),
  });
  expect(mask(referring({ at: 14, name: 'orders' }), 'select * from orders')).toMatchObject({ edits: [] });
});

it.each([
  ['a relation that is not known', referring({ at: 14, name: 'strange' }), 'mask/unknown-relation'],
  ['a relation with a parent that is not known', referring({ at: 14, name: 'orphan' }), 'mask/unknown-relation'],
  ['a place where no name stands', referring({ at: 0 }), 'mask/text'],
  ['a place inside of a name', referring({ at: 15 }), 'mask/text'],
  ['a place beyond the text', referring({ at: 100 }), 'mask/text'],
  ['no place', referring({ at: -1 }), 'mask/text'],
  ['ONLY that is not there', referring({ at: 14, only: true }), 'mask/text'],
  ['a schema that is not there', referring({ at: 14, schema: 'shop' }), 'mask/text'],
  ['TABLE that is not there', referring({ at: 14, form: 'table' }), 'mask/text'],
  ['a sample', referring({ at: 14, sampled: true }), 'mask/text'],
  ['a target', referring({ at: 14, form: 'target' }), 'mask/text'],
  ['the same place twice', referring({ at: 14 }, { at: 14 }), 'mask/text'],
])('refuses %s', (_, references, rule) => {
  expect(mask(references)).toMatchObject({ rule });
});

it('refuses what the parser finds left of a masked table, or cannot find again', () => {
  const before = referring({ at: 14 });
  const masked = mask(before) as Masked;
  const inside = referring({ at: masked.text.indexOf('"shop"'), schema: 'shop' });
  const verify = (after: References) => verifyMasked({ sql: SQL, masked, before, after }, facts, access);
  expect(verify(inside)).toBeUndefined();
  expect(verify(referring({ at: 0 }))).toMatchObject({ rule: 'mask/text' });
  expect(verify(referring())).toMatchObject({ rule: 'mask/text' });
  expect(verify(referring({ at: inside.relations[0]?.at ?? 0 }, { at: masked.text.length }))).toMatchObject({
    rule: 'mask/text',
  });
});
