import { expect, it } from 'vitest';
import { chooseRelation } from './find-relation.ts';

const candidate = (schema: string, meaning = 1, system = false) => ({
  oid: 1,
  schema,
  table: 'orders',
  meaning,
  system,
});

it('takes the only one, the likeliest, or the one in public', () => {
  expect(chooseRelation([])).toBeUndefined();
  expect(chooseRelation([candidate('shop')])).toMatchObject({ schema: 'shop' });
  expect(chooseRelation([candidate('shop', 1), candidate('crm', 2)])).toMatchObject({ schema: 'shop' });
  expect(chooseRelation([candidate('public'), candidate('crm')])).toMatchObject({ schema: 'public' });
  expect(chooseRelation([candidate('shop'), candidate('pg_catalog', 1, true)])).toMatchObject({ schema: 'shop' });
});

it('asks which of several is meant', () => {
  expect(() => chooseRelation([candidate('crm'), candidate('shop')])).toThrow(
    expect.objectContaining({
      code: 'INVALID_INPUT',
      hint: 'Name the schema too: "crm"."orders", "shop"."orders".',
      details: { candidates: ['"crm"."orders"', '"shop"."orders"'] },
    }),
  );
});
