import { expect, it } from 'vitest';
import { drawRelationships } from './mermaid.ts';

type Edge = Parameters<typeof drawRelationships>[0][number];

function edge(more: Partial<Edge> = {}): Edge {
  return {
    kind: 'foreign_key',
    schema: 'shop',
    table: 'orders',
    columns: ['customer_id'],
    referenced_schema: 'shop',
    referenced_table: 'customers',
    required: true,
    unique: false,
    ...more,
  };
}

/** The only line that is drawn. */
function line(more: Partial<Edge>): string {
  return drawRelationships([edge(more)]).split('\n')[1] ?? '';
}

it.each([
  [{ required: true, unique: false }, '}o--||'],
  [{ required: false, unique: false }, '}o--o|'],
  [{ required: true, unique: true }, '|o--||'],
  [{ required: false, unique: true }, '|o--o|'],
] as const)('draws how many rows there are at each end: %o', (more, connector) => {
  expect(line(more)).toBe(`  "shop.orders" ${connector} "shop.customers" : "customer_id"`);
});

it.each([
  ['view', '}o..o{', 'reads'],
  ['inheritance', '|o..||', 'inherits'],
  ['partition', '|o..||', 'partition of'],
] as const)('draws a %s dashed', (kind, connector, label) => {
  const drawn = line({ kind, columns: null, required: null, unique: null });
  expect(drawn).toBe(`  "shop.orders" ${connector} "shop.customers" : "${label}"`);
});

it('lets no name end a quoted name, a line or the diagram', () => {
  const drawn = drawRelationships([edge({ table: 'a"\n%% b\\\u2028', columns: ['x" : y\nerDiagram'] })]);
  expect(drawn.split('\n')).toEqual(['erDiagram', '  "shop.a____ b__" }o--|| "shop.customers" : "x_ : y_erDiagram"']);
});

it('lets no name start a directive, an entity, a tag or markdown, or be invisible', () => {
  const drawn = line({ table: 'a\u202e`#quot;<b>\u200b{x}&lt;', columns: ['%%{init: {}}%%'] });
  expect(drawn).toBe('  "shop.a___quot__b___x__lt_" }o--|| "shop.customers" : "___init: _____"');
});

it('keeps apart what differs in such characters only', () => {
  const drawn = drawRelationships([edge({ table: 'a"' }), edge({ table: 'a%' }), edge({ table: 'a"' })]);
  expect(drawn.match(/"shop\.a_[^"]*"/g)).toEqual(['"shop.a_"', '"shop.a_ 2"', '"shop.a_"']);
});

it('ends with how many more there are', () => {
  const drawn = drawRelationships(Array.from({ length: 52 }, (_, n) => edge({ table: `t${n}` }))).split('\n');
  expect(drawn).toHaveLength(52);
  expect(drawn.at(-1)).toBe('  %% and 2 more');
});
