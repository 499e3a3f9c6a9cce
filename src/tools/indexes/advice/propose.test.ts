import { afterAll, describe, expect, it } from 'vitest';
import { openStatementTexts } from '../../../sqltext/statement-texts.ts';
import { definitionOf, replacedBy, servedBy, sizeOf, type Candidate } from './candidate.ts';
import { propose, recurringOf } from './propose.ts';
import { readStatement, type Lookup } from './read-statement.ts';
import type { AdvisedColumn, AdvisedTable, ExistingIndex } from './tables.ts';
import { fieldsOf, listOf, type Tree } from './tree.ts';

const texts = openStatementTexts({ textMs: 5000 });
afterAll(() => texts.close());

function column(
  name: string,
  type: string,
  distinct: number | null = null,
  more: Partial<AdvisedColumn> = {},
): AdvisedColumn {
  return { name, type, distinct, width: type === 'text' ? 20 : 4, collatesC: false, nullFraction: 0, ...more };
}

function table(name: string, columns: readonly AdvisedColumn[], indexes: readonly ExistingIndex[] = []): AdvisedTable {
  return {
    oid: name,
    schema: 'shop',
    name,
    kind: 'table',
    rows: 100_000,
    size: 10_000_000,
    columns,
    indexes,
    writes: null,
  };
}

function tree(name: string, ...keys: readonly string[]): ExistingIndex {
  const plain = keys.map((key) => ({ column: key, isDescending: false, nullsFirst: false, isPlain: true }));
  return {
    name,
    method: 'btree',
    keys: plain,
    include: [],
    isPartial: false,
    isUnique: false,
    isNeeded: false,
    size: 8192,
  };
}

const orders = table('orders', [
  column('id', 'int4', 100_000),
  column('customer', 'int4', 20_000),
  column('status', 'text', 4),
  column('placed', 'timestamp', 90_000),
  column('total', 'numeric', 50_000),
  column('closed', 'date', 100, { nullFraction: 0.02 }),
  column('paid', 'bool', 2),
  column('note', 'text', 100_000),
  column('data', 'jsonb'),
  column('tags', 'text[]'),
  column('words', 'tsvector'),
  column('valid', 'daterange'),
]);
const customers = table('customers', [
  column('id', 'int4', 20_000),
  column('email', 'text', 20_000),
  column('region', 'int4', 10),
]);

const lookupIn =
  (tables: readonly AdvisedTable[], views: Readonly<Record<string, Tree>> = {}): Lookup =>
  (_, name) => {
    const query = views[name];
    if (query) return { kind: 'view', query };
    const found = tables.find((each) => each.name === name);
    return found && { kind: 'table', table: found };
  };

async function candidates(
  sql: string,
  lookup = lookupIn([orders, customers]),
  others: readonly string[] = [],
): Promise<Candidate[]> {
  const all = await Promise.all(
    [sql, ...others].map(async (text) => readStatement(await texts.parse(text), lookup).occurrences),
  );
  return (all[0] ?? []).flatMap((occurrence) => propose(occurrence, { trigram: 'ext', recurring: recurringOf(all) }));
}

async function definitions(sql: string, ...others: readonly string[]): Promise<string[]> {
  const found = await candidates(sql, undefined, others);
  return found.map((candidate) => definitionOf(candidate).replace(/^CREATE INDEX ON "shop"\./, ''));
}

describe('candidates', () => {
  it.each([
    [
      'equalities, the most selective first',
      `select * from orders where status = 'x' and customer = 3`,
      '"orders" ("customer", "status")',
    ],
    [
      'equalities before a range',
      `select * from orders o where o.placed > now() - interval '1 day' and o.status in ('a', 'b')`,
      '"orders" ("status", "placed")',
    ],
    ['a constant on the left side', `select * from orders where 5 = customer`, '"orders" ("customer")'],
    ['= ANY of an array', `select * from orders where customer = any ($1)`, '"orders" ("customer")'],
    ['BETWEEN', `select * from orders where total between 1 and 2`, '"orders" ("total")'],
    [
      'pages that go on behind a row',
      `select * from orders where (placed, id) > ($1, $2) order by placed, id limit 10`,
      '"orders" ("placed", "id")',
    ],
    [
      'an order behind equalities',
      `select id from orders where customer = 1 order by placed desc limit 5`,
      '"orders" ("customer", "placed")',
    ],
    [
      'an order of mixed directions',
      `select * from orders order by customer, placed desc limit 5`,
      '"orders" ("customer", "placed" DESC)',
    ],
    [
      'an order by output',
      `select id, placed as at from orders where customer = 1 order by at, 1 limit 5`,
      '"orders" ("customer", "placed", "id")',
    ],
    ['groups', `select customer, count(*) from orders group by customer`, '"orders" ("customer")'],
    ['DISTINCT', `select distinct status from orders`, '"orders" ("status")'],
    ['max()', `select max(placed) from orders`, '"orders" ("placed")'],
    [
      'a join, on either side',
      `select * from orders o join customers c on c.id = o.customer where c.region = 3`,
      '"orders" ("customer")',
    ],
    [
      'a join with a filter',
      `select * from orders o join customers c on c.id = o.customer where c.region = 3`,
      '"customers" ("id", "region")',
    ],
    ['USING', `select * from orders join customers using (id)`, '"customers" ("id")'],
    [
      'a correlated sub-select',
      `select * from customers c where exists (select from orders o where o.customer = c.id and o.status = 'x')`,
      '"orders" ("customer", "status")',
    ],
    [
      'IN (SELECT …)',
      `select * from customers where id in (select customer from orders where total > 5)`,
      '"orders" ("customer", "total")',
    ],
    [
      'a CTE',
      `with x as (select customer as c, total from orders) select * from x where c = 5`,
      '"orders" ("customer")',
    ],
    [
      'a derived table with names of its own',
      `select * from (select id, customer from orders) as q (a, b) where q.b = 3`,
      '"orders" ("customer")',
    ],
    [
      'an arm of UNION',
      `select id from customers union all select id from orders where total = 1`,
      '"orders" ("total")',
    ],
    ['each arm of an OR', `select * from orders where customer = 1 or total = 2`, '"orders" ("total")'],
    [
      'LATERAL',
      `select * from customers c, lateral (select * from orders o where o.customer = c.id order by placed desc limit 1) l`,
      '"orders" ("customer", "placed")',
    ],
    ['an expression', `select * from customers where lower(email) = 'x'`, '"customers" (pg_catalog.lower("email"))'],
    [
      'a truncated time',
      `select * from orders where date_trunc('day', placed) = $1`,
      `"orders" (pg_catalog.date_trunc('day', "placed"))`,
    ],
    ['a key of a document', `select * from orders where data ->> 'it''s' = 'x'`, `"orders" (("data" ->> 'it''s'))`],
    [
      'parts of a document',
      `select * from orders where data @> '{"a": 1}'`,
      '"orders" USING gin ("data" pg_catalog.jsonb_path_ops)',
    ],
    ['keys of a document', `select * from orders where data ? 'a' and data @> '{}'`, '"orders" USING gin ("data")'],
    ['elements of an array', `select * from orders where tags && array['a']`, '"orders" USING gin ("tags")'],
    ['words', `select * from orders where words @@ to_tsquery('english', 'x')`, '"orders" USING gin ("words")'],
    [
      'words of an expression',
      `select * from orders where to_tsvector('english', note) @@ plainto_tsquery('x')`,
      `"orders" USING gin (pg_catalog.to_tsvector('english'::pg_catalog.regconfig, "note"))`,
    ],
    [
      'a part of a text',
      `select * from orders where note ilike '%late%'`,
      '"orders" USING gin ("note" "ext".gin_trgm_ops)',
    ],
    [
      'the beginning of a text',
      `select * from orders where note like 'late%'`,
      '"orders" ("note" pg_catalog.text_pattern_ops)',
    ],
    [
      'ranges that overlap',
      `select * from orders where valid && daterange('2024-01-01', '2024-02-01')`,
      '"orders" USING gist ("valid")',
    ],
    ['index-only scans', `select total from orders where customer = 1`, '"orders" ("customer") INCLUDE ("total")'],
    [
      'rows without a value',
      `select id from orders where closed is null and customer = 1`,
      '"orders" ("customer") WHERE "closed" IS NULL',
    ],
    [
      'rows with a flag',
      `select id from orders where not paid and customer = 1`,
      '"orders" ("customer") WHERE NOT "paid"',
    ],
    ['rows to delete', `delete from orders where customer = $1`, '"orders" ("customer")'],
    [
      'rows to update',
      `update orders o set total = 0 from customers c where c.id = o.customer and c.region = 1`,
      '"orders" ("customer")',
    ],
    [
      'rows to merge',
      `merge into orders o using customers c on o.customer = c.id when matched then delete`,
      '"orders" ("customer")',
    ],
    ['rows to insert', `insert into customers select customer from orders where status = 'x'`, '"orders" ("status")'],
  ])('for %s: %s', async (_, sql, definition) => {
    expect(await definitions(sql)).toContain(definition);
  });

  it.each([
    ['<>', `select * from orders where status <> 'x'`],
    ['NOT IN', `select * from orders where customer not in (1, 2)`],
    ['NOT LIKE', `select * from orders where note not like 'x%'`],
    ['two columns of one table', `select * from orders where id = customer`],
    ['arithmetic on the column', `select * from orders where customer + 1 = 2`],
    ['a part of two letters', `select * from orders where note like '%ab%'`],
    ['a function that may change', `select * from orders where random() = 1 and now() > now()`],
    ['a function of the database’s users', `select * from orders where shop.lower(note) = 'x'`],
    ['what is computed', `select * from (select customer + 1 as customer from orders) q where customer = 3`],
    ['a name of another relation', `with orders as (select 1 as customer) select * from orders where customer = 3`],
  ])('are none for %s: %s', async (_, sql) => {
    expect(await definitions(sql)).toEqual([]);
  });

  it('have the rows of a constant only where it recurs', async () => {
    const sql = `select id from orders where status = 'open' and customer = 1`;
    const partial = `"orders" ("customer") WHERE "status" = 'open'`;
    expect(await definitions(sql)).not.toContain(partial);
    expect(await definitions(sql, `select 1 from orders where status = 'held'`)).not.toContain(partial);
    expect(await definitions(sql, `select 1 from orders where status = 'open' and total > 5`)).toContain(partial);
  });

  it('see through views', async () => {
    const parsed = await texts.parse(`select o.id as number, o.customer as buyer from orders o where o.paid`);
    const query = fieldsOf((listOf(parsed.stmts)[0] as Tree)['stmt'], 'SelectStmt') ?? {};
    const found = await candidates('select * from sold where buyer = 4', lookupIn([orders], { sold: query }));
    expect(found.map((each) => definitionOf(each))).toContain(
      `CREATE INDEX ON "shop"."orders" ("customer") WHERE "paid"`,
    );
  });

  it('are none where an existing index serves', async () => {
    const served = table('orders', orders.columns, [tree('by_status', 'status', 'customer', 'placed')]);
    const of = async (sql: string) => (await candidates(sql, lookupIn([served]))).map((each) => definitionOf(each));
    expect(await of(`select * from orders where customer = 1 and status = 'x'`)).not.toContain(
      'CREATE INDEX ON "shop"."orders" ("customer", "status")',
    );
    expect(await of(`select * from orders where status = 'x'`)).toEqual([]);
    expect(await of(`select * from orders where customer = 1`)).toEqual([
      'CREATE INDEX ON "shop"."orders" ("customer")',
    ]);
  });

  it('replace indexes whose keys they begin with, and none that something needs', async () => {
    const unique = { ...tree('unique_customer', 'customer'), isUnique: true };
    const needed = { ...tree('needed', 'customer'), isNeeded: true };
    const partial = { ...tree('partial', 'customer'), isPartial: true };
    const other = tree('other', 'placed');
    const indexed = table('orders', orders.columns, [tree('by_customer', 'customer'), unique, needed, partial, other]);
    const found = await candidates('select * from orders where customer = 1 and total > 3', lookupIn([indexed]));
    const wider = found.find((each) => definitionOf(each).endsWith('("customer", "total")'));
    expect(wider && replacedBy(wider).map(({ name }) => name)).toEqual(['by_customer']);
    expect(wider && servedBy(wider)).toBeUndefined();
  });

  it('stay few for a statement that could have thousands', async () => {
    const wide = table(
      'wide',
      Array.from({ length: 200 }, (_, i) => column(`c${i}`, 'int4', i)),
    );
    const sql = `select * from wide where ${wide.columns.map(({ name }) => `${name} = 1`).join(' and ')}`;
    expect((await candidates(sql, lookupIn([wide]))).length).toBeLessThan(200);
  });

  it('take less room where keys recur, from PostgreSQL 13 on', async () => {
    const [index] = await candidates(`select * from orders where status = 'x'`);
    expect(index && [sizeOf(index, 12), sizeOf(index, 13)]).toEqual([4_014_080, 679_936]);
  });
});
