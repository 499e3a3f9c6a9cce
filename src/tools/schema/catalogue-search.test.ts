import { expect, it } from 'vitest';
import { indexCatalogue } from './catalogue-index.ts';
import { compareHits, searchCatalogue } from './catalogue-search.ts';
import { createSight } from './catalogue-sight.ts';
import { KINDS, type Item } from './catalogue.ts';
import { readCursor, writeCursor } from './search-cursor.ts';
import { pageOfHits } from './search-page.ts';
import { readQuestion } from './synonyms.ts';

let oids = 0;
function table(name: string, columns: readonly string[] = [], more: Partial<Item> = {}): Item {
  return {
    oid: ++oids,
    kind: 'table',
    schema: 'public',
    name,
    rows: 10,
    size: 8192,
    comment: null,
    signature: null,
    labels: [],
    columns: columns.map((column) => ({ name: column, type: 'text', comment: null })),
    partitions: [],
    refersTo: [],
    ...more,
  };
}

const scope = { kinds: new Set(KINDS), schema: undefined };

async function find(items: readonly Item[], question: string) {
  const index = await indexCatalogue(items);
  const sight = createSight(undefined, index);
  const hits = searchCatalogue(index, sight, readQuestion(question), scope);
  return { hits: hits.toSorted(compareHits), sight };
}

async function namesFor(items: readonly Item[], question: string): Promise<string[]> {
  return (await find(items, question)).hits.map(({ item }) => item.name);
}

it('puts the name that is the question first, then names that have it, then columns', async () => {
  const items = [table('notes', ['orders']), table('orders_archive_2019'), table('orders'), table('order_lines')];
  expect(await namesFor(items, 'orders')).toEqual(['orders', 'orders_archive_2019', 'order_lines', 'notes']);
});

it('puts what has all that was asked for before what has a part', async () => {
  const items = [table('customers', ['name']), table('people', ['email']), table('customers_old', ['email'])];
  expect((await namesFor(items, 'customer email'))[0]).toBe('customers_old');
});

it('of equals gives the larger one first, and always in the same order', async () => {
  const items = [table('a_log', [], { rows: 1 }), table('b_log', [], { rows: 5 }), table('c_log', [], { rows: 5 })];
  expect(await namesFor(items, 'log')).toEqual(['b_log', 'c_log', 'a_log']);
  expect(await namesFor(items.toReversed(), 'log')).toEqual(['b_log', 'c_log', 'a_log']);
});

it('leaves out filling words, unless there are no others', () => {
  expect(readQuestion('where is the table of invoices').map(({ words }) => words)).toEqual([['invoices']]);
  expect(readQuestion('the').map(({ words }) => words)).toEqual([['the']]);
  expect(readQuestion('date of birth of customers').map(({ words }) => words.join(' '))).toEqual([
    'date of birth',
    'customers',
  ]);
});

it('ends a page by its bytes, and goes on behind it', async () => {
  const comment = { shown: 'x'.repeat(400), whole: 'x'.repeat(400) };
  const items = Array.from({ length: 100 }, (_, i) => table(`log_${'long_name_'.repeat(4)}${i}`, [], { comment }));
  const { hits, sight } = await find(items, 'log');
  const seen: string[] = [];
  let after;
  do {
    const page = pageOfHits(hits, sight, { after, limit: 100 });
    expect(Buffer.byteLength(JSON.stringify(page.rows))).toBeLessThan(7000);
    seen.push(...page.rows.map(({ name }) => name));
    after = page.last && readCursor(writeCursor(page.last, 'log'), 'log');
  } while (after !== undefined);
  expect(seen).toEqual(hits.map(({ item }) => item.name));
});

it('takes no cursor of another question', () => {
  const cursor = writeCursor([1, 2, 'a', 'b', 3], 'one');
  expect(() => readCursor(cursor, 'other')).toThrow('something else');
  expect(() => readCursor('bm90IGEgY3Vyc29y', 'one')).toThrow('no cursor');
});
