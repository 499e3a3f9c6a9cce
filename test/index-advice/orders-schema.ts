/**
 * A schema like that of a well-known decision-support benchmark, made here: eight tables of orders, parts and suppliers,
 * some 500,000 rows, deterministic, and sixteen questions about them.
 */
import { runAs } from '../postgres/platform.ts';

const random = (seed: string) => `(abs(hashint8(${seed})) % 1000000)`;

const TABLES = [
  `create table region (region_id integer primary key, name text not null)`,
  `create table nation (nation_id integer primary key, region_id integer not null, name text not null)`,
  `create table supplier (supplier_id integer primary key, nation_id integer not null, name text not null, balance numeric(12,2) not null)`,
  `create table customer (customer_id integer primary key, nation_id integer not null, name text not null, email text not null,
     segment text not null, balance numeric(12,2) not null, closed_at date)`,
  `create table part (part_id integer primary key, name text not null, brand text not null, type text not null, size integer not null,
     container text not null, price numeric(12,2) not null)`,
  `create table part_supplier (part_id integer not null, supplier_id integer not null, available integer not null, cost numeric(12,2) not null,
     primary key (part_id, supplier_id))`,
  `create table orders (order_id integer primary key, customer_id integer not null, status text not null, total numeric(12,2) not null,
     ordered_on date not null, priority text not null, clerk text not null, note text not null)`,
  `create table line_item (order_id integer not null, line integer not null, part_id integer not null, supplier_id integer not null,
     quantity integer not null, price numeric(12,2) not null, discount numeric(4,2) not null, returned text not null,
     shipped_on date not null, due_on date not null, received_on date not null, mode text not null, primary key (order_id, line))`,
];

const ROWS = [
  `insert into region select n, 'region ' || n from generate_series(1, 5) n`,
  `insert into nation select n, 1 + n % 5, 'nation ' || n from generate_series(1, 25) n`,
  `insert into supplier select n, 1 + ${random('n')} % 25, 'supplier ' || n, ${random('n + 7')} / 100.0 from generate_series(1, 1000) n`,
  `insert into customer select n, 1 + ${random('n')} % 25, 'Customer ' || n, 'Someone' || n || '@example.com', 'segment ' || 1 + ${random('n + 3')} % 5,
     ${random('n + 7')} / 100.0, case when n % 50 = 0 then null else date '2020-01-01' + n % 1000 end from generate_series(1, 20000) n`,
  `insert into part select n, 'part ' || md5(n::text), 'brand ' || ${random('n')} % 25, 'type ' || ${random('n + 1')} % 150, 1 + ${random('n + 2')} % 50,
     'box ' || ${random('n + 5')} % 40, ${random('n + 7')} / 100.0 from generate_series(1, 20000) n`,
  `insert into part_supplier select p, 1 + (p * 7 + s * 251) % 1000, ${random('p * 4 + s')} % 10000, ${random('p * 4 + s + 1')} / 1000.0
     from generate_series(1, 20000) p, generate_series(1, 4) s`,
  `insert into orders select n, 1 + ${random('n')} % 20000, (array['open', 'filled', 'filled', 'filled', 'filled', 'filled', 'filled', 'filled', 'filled', 'held'])[1 + ${random('n + 1')} % 10],
     ${random('n + 2')} / 10.0, date '2020-01-01' + ${random('n + 3')} % 2400, 'priority ' || ${random('n + 4')} % 5, 'clerk ' || ${random('n + 5')} % 1000,
     md5(n::text) from generate_series(1, 100000) n`,
  `insert into line_item select o, l, 1 + ${random('o * 7 + l')} % 20000, 1 + ${random('o * 7 + l + 1')} % 1000, 1 + ${random('o + l')} % 50,
     ${random('o * 7 + l + 2')} / 100.0, (${random('o * 7 + l + 3')} % 11) / 100.0, (array['A', 'N', 'R'])[1 + ${random('o * 7 + l + 4')} % 3],
     d, d + ${random('o * 7 + l + 5')} % 60, d + 1 + ${random('o * 7 + l + 6')} % 30, 'mode ' || ${random('o * 7 + l + 8')} % 7
     from (select o, l, date '2020-01-01' + ${random('o')} % 2400 as d from generate_series(1, 100000) o, generate_series(1, 3) l) r`,
];

/** What is asked, and how often in the time that is looked at. */
export const QUESTIONS: readonly { readonly sql: string; readonly calls: number }[] = [
  {
    calls: 5,
    sql: `select returned, sum(quantity), sum(price * (1 - discount)) from line_item where shipped_on <= date '2020-03-01' group by returned order by returned`,
  },
  {
    calls: 20,
    sql: `select s.balance, s.name, n.name, p.part_id from part p join part_supplier ps on ps.part_id = p.part_id join supplier s on s.supplier_id = ps.supplier_id
     join nation n on n.nation_id = s.nation_id where p.size = 15 and p.type = 'type 7' order by s.balance desc limit 100`,
  },
  {
    calls: 30,
    sql: `select l.order_id, sum(l.price * (1 - l.discount)) as revenue, o.ordered_on from customer c, orders o, line_item l
     where c.segment = 'segment 3' and c.nation_id = 7 and c.customer_id = o.customer_id and l.order_id = o.order_id and o.ordered_on < date '2020-02-15'
     group by l.order_id, o.ordered_on order by revenue desc limit 10`,
  },
  {
    calls: 20,
    sql: `select priority, count(*) from orders o where ordered_on >= date '2022-05-01' and ordered_on < date '2022-05-15'
     and exists (select from line_item l where l.order_id = o.order_id and l.due_on < l.received_on) group by priority order by priority`,
  },
  {
    calls: 50,
    sql: `select sum(price * discount) from line_item where shipped_on >= date '2021-01-01' and shipped_on < date '2021-01-15' and discount between 0.05 and 0.07 and quantity < 24`,
  },
  {
    calls: 400,
    sql: `select order_id, total, ordered_on from orders where customer_id = 4711 order by ordered_on desc limit 10`,
  },
  { calls: 300, sql: `select * from customer where lower(email) = 'someone4711@example.com'` },
  {
    calls: 200,
    sql: `select order_id, total from orders where status = 'open' and clerk = 'clerk 17' order by ordered_on`,
  },
  { calls: 100, sql: `select count(*) from orders where status = 'open' and ordered_on < date '2020-03-01'` },
  {
    calls: 100,
    sql: `select l.order_id, l.quantity, o.ordered_on from line_item l join orders o using (order_id) where l.part_id = 1234 and l.supplier_id = 77`,
  },
  {
    calls: 60,
    sql: `select part_id, sum(quantity) from line_item where part_id between 100 and 110 group by part_id order by part_id`,
  },
  { calls: 80, sql: `select customer_id, name from customer where closed_at is null and nation_id = 4` },
  {
    calls: 20,
    sql: `with late as (select supplier_id, count(*) as n from line_item where received_on > due_on + 25 and shipped_on >= date '2022-01-01' and shipped_on < date '2022-02-01' group by supplier_id)
     select s.name, late.n from late join supplier s on s.supplier_id = late.supplier_id where s.nation_id = 3 order by late.n desc`,
  },
  {
    calls: 30,
    sql: `select ps.part_id, ps.available from part_supplier ps where ps.supplier_id in (select supplier_id from supplier where nation_id = 9 and balance > 9000) and ps.available > 9000`,
  },
  {
    calls: 150,
    sql: `select order_id, total from orders where ordered_on = date '2021-07-07' and priority = 'priority 2' order by total desc limit 5`,
  },
  {
    calls: 40,
    sql: `select c.name, count(o.order_id) from customer c left join orders o on o.customer_id = c.customer_id and o.status = 'held' where c.nation_id = 11 and c.balance > 9900 group by c.name`,
  },
];

/** Every column of theirs that is no first column of a primary key. */
export async function singleColumnIndexes(url: string): Promise<string[]> {
  const rows = await runAs(
    url,
    `select format('create index on %I (%I)', c.relname, a.attname) as definition
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum) order by 1`,
  );
  return rows.map(({ definition }) => String(definition));
}

export async function makeOrders(url: string): Promise<void> {
  await runAs(url, ...TABLES, ...ROWS, 'vacuum analyze');
}
