/** What a plan tells a caller from whom something is hidden. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATA, fillWithSecrets, PATH, SECRETS } from './mask-fixture.ts';
import { openCaller, type Caller } from './mask-kit.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runAs } from './postgres/platform.ts';

const MORE = `
  create table shop.guarded (id integer, tenant text, total integer);
  insert into shop.guarded select g, 'topsecret', g from generate_series(1, 50) g;
  alter table shop.guarded enable row level security;
  create policy mine on shop.guarded using (tenant = 'topsecret' and total > 47);
  create index orders_amount on shop.orders (amount);
  create view shop.rich as select s.id from hr.salaries s where s.amount > 4711;
  analyze;`;

type Node = Readonly<Record<string, unknown>> & { readonly Plans?: readonly Node[] };

const keysOf = (nodes: readonly Node[]) => new Set(nodes.flatMap((node) => Object.keys(node)));

describeSomeMajors('a plan', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let caller: Caller;
  let url: string;
  beforeAll(async () => {
    url = await fillWithSecrets(clone());
    await runAs(clone().superuserUrl, `${MORE} grant select on shop.guarded, shop.rich to ${new URL(url).username}`);
    const data = { ...DATA, allow: ['shop.granted', 'shop.rich'] };
    caller = await openCaller({ url, data, path: PATH });
  });
  afterAll(() => caller.close());

  async function explain(sql: string): Promise<readonly Node[]> {
    const { plan, error } = await caller.ask(sql);
    if (error !== undefined) throw new Error(JSON.stringify(error));
    const [{ Plan: top }] = plan as [{ Plan: Node }];
    const all = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(all)];
    expect(JSON.stringify(plan).search(SECRETS)).toBe(-1);
    return all(top);
  }

  it('of what is visible keeps its conditions, without constants', async () => {
    const nodes = await explain(
      `explain select o.id from orders o join early.users e on e.id = o.user_id where o.amount > 1234 and e.email <> 'one value'`,
    );
    expect(new Set(nodes.map((node) => node['Relation Name']))).toEqual(new Set(['orders', 'users', undefined]));
    const conditions = nodes.flatMap((node) => node['Filter'] ?? node['Index Cond'] ?? []);
    expect(JSON.stringify(conditions)).toContain('amount > ');
    expect(JSON.stringify(nodes)).not.toMatch(/1234|one value/);
    expect(keysOf(nodes)).toContain('Plan Rows');
  });

  it('of masked columns has no conditions, outputs, sort keys or names of indexes', async () => {
    const nodes = await explain(
      `explain analyze select email, count(*) from users where email like 'a%' and id < 100 and phone > 'b' group by email order by email`,
    );
    expect(nodes.some((node) => node['Relation Name'] === 'users' && node['Actual Rows'] !== undefined)).toBe(true);
    const told = [...keysOf(nodes)].filter((key) => / Cond$|Filter$|^Output$| Key$|^Rows Removed|Index Name/.test(key));
    expect(told).toEqual([]);
  });

  it('of a table with row security tells nothing of its policy', async () => {
    const nodes = await explain(
      'explain analyze select count(*) from guarded g join orders o on o.id = g.id where g.total > 1',
    );
    expect(nodes.some((node) => node['Relation Name'] === 'guarded')).toBe(true);
    expect(JSON.stringify(nodes)).not.toMatch(/tenant|Rows Removed|Filter/);
  });

  it('of a granted view names nothing that is hidden behind it', async () => {
    const nodes = await explain('explain analyze select * from rich where id > 0');
    expect(JSON.stringify(nodes)).not.toMatch(/salaries|amount|hr|Filter/);
    expect(nodes[0]?.['Node Type']).toBe('Seq Scan');
  });

  it('of a statement for a persona from whom nothing is hidden stays as it is', async () => {
    const open = await openCaller({ url, data: {}, path: PATH });
    try {
      const { plan } = await open.ask(`explain select * from users where email = 'topsecret1@example.com'`);
      expect(JSON.stringify(plan)).toContain('topsecret1@example.com');
    } finally {
      await open.close();
    }
  });
});
