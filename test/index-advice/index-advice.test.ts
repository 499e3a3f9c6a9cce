/** Advice where plans prove it: on Debian's PostgreSQL with HypoPG. Left out, with a word, where it is not installed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuard } from '../../src/guard/create-guard.ts';
import { openStatementTexts } from '../../src/sqltext/statement-texts.ts';
import { readPlan } from '../../src/tools/sql/read-plan.ts';
import type { Finding } from '../../src/contract/finding.ts';
import { answerOf, errorOf, makeReader, openCallersHowdah, type CallersHowdah } from '../callers-kit.ts';
import { hasHypoPg, startHypoPgServer, type HypoPgServer } from '../hypopg.ts';
import { runAs } from '../postgres/platform.ts';
import { makeOrders, QUESTIONS, singleColumnIndexes } from './orders-schema.ts';

type Facts = Readonly<Record<string, unknown>>;
interface Advised extends Facts {
  readonly definition: string;
  readonly proven: boolean;
  readonly size: number;
}

const texts = openStatementTexts({ textMs: 5000 });
afterAll(() => texts.close());

describe.skipIf(!hasHypoPg)('index_advice with HypoPG (apt-get install postgresql-15-hypopg)', () => {
  let server: HypoPgServer;
  let howdah: CallersHowdah;
  let url: string;
  beforeAll(async () => {
    server = await startHypoPgServer();
    url = server.url('postgres');
    await makeOrders(url);
    await runAs(
      url,
      'create extension hypopg schema public',
      'create extension pg_stat_statements',
      `create role monitor login in role pg_monitor, pg_read_all_data password 'm'`,
    );

    const reader = await makeReader(url, 'grant usage on schema public', 'grant select on all tables in schema public');
    howdah = await openCallersHowdah({
      url: `postgres://monitor:m@127.0.0.1:${server.port}/postgres`,
      logins: { reader },
      guard: createGuard(texts),
      persona: { limits: { statement_timeout: '150s' } },
    });
  }, 120_000);
  afterAll(async () => {
    await howdah.close();
    await server.stop();
  });

  const ask = async (tool: string, input: Facts) => answerOf(await howdah.call(tool, input));
  const fail = async (tool: string, input: Facts) => errorOf(await howdah.call(tool, input));

  it('proves the index that a statement wants, and leaves nothing behind', async () => {
    const sql = `select order_id, total from orders where customer_id = 4711 and status = 'open' order by ordered_on desc limit 3`;
    const answer = await ask('index_advice', { statements: [sql] });
    expect(advised(answer)).toEqual([
      expect.objectContaining({
        proven: true,
        table: 'orders',
        for_statements: [1],
        definition: expect.stringMatching(/^CREATE INDEX ON "public"."orders" \("customer_id"/),
      }),
    ]);
    const [{ cost_before, cost_after } = {}] = answer['statements'] as Facts[];
    expect(Number(cost_after)).toBeLessThan(Number(cost_before) / 50);
    const [finding] = answer['findings'] as Finding[];
    expect(finding).toMatchObject({
      severity: 'warning',
      object: '"public"."orders"',
      next_step: expect.stringMatching(/^CREATE INDEX CONCURRENTLY ON/),
    });
    expect(answer['not_examined']).toBeUndefined();
    // the session has none of them any more
    const plan = await ask('explain_query', { sql });
    expect(plan['tree']).toContain('Seq Scan');
    // and what was promised holds
    await runAs(url, String(advised(answer)[0]?.definition));
    expect((await ask('explain_query', { sql }))['tree']).not.toContain('Seq Scan');
    expect(advised(await ask('index_advice', { statements: [sql] }))).toEqual([]);
    await dropIndexes(url);
  });

  it('advises by the workload, of which it has no constants', async () => {
    await runAs(url, 'select pg_stat_statements_reset()');
    for (let i = 1; i <= 3; i++) {
      await runAs(
        url,
        `select count(*) from line_item where part_id = ${i} and shipped_on > date '2021-01-0${i}'`,
        `update orders set note = 'x' where clerk = 'clerk ${i}' and order_id < 0`,
        `select * from orders where extract(year from ordered_on) = ${i} and clerk = 'clerk ${i}'`,
        `insert into region values (${100 + i}, 'x')`,
        `select 'nothing to read' where ${i} = 1`,
      );
    }
    const answer = await ask('index_advice', { limit: 30 });
    const definitions = advised(answer).map(({ definition }) => definition);
    expect(definitions).toContainEqual(expect.stringMatching(/"line_item" \("part_id"/));
    expect(definitions).toContainEqual(expect.stringMatching(/"orders" \("clerk"/));
    expect(advised(answer).every(({ proven }) => proven)).toBe(true);
    const statements = answer['statements'] as Facts[];
    expect(statements.find(({ statement }) => String(statement).startsWith('update orders'))).toMatchObject({
      calls: 3,
      cost_before: expect.any(Number),
      indexes: [expect.any(Number)],
    });
    expect(JSON.stringify(answer)).not.toMatch(/clerk \d|2021-01/);
  });

  it('widens an index in the place of a second one, and says which can go', async () => {
    await runAs(
      url,
      'create index narrow on line_item (part_id)',
      'create index twin on line_item (part_id)',
      'analyze line_item',
    );
    const answer = await ask('index_advice', {
      statements: [
        'select sum(quantity) from line_item where part_id = 7 and supplier_id between 3 and 9',
        'select count(*) from line_item where part_id = 9 and supplier_id = 7',
      ],
    });
    const [row] = advised(answer);
    expect(row).toMatchObject({
      definition: expect.stringContaining('("part_id", "supplier_id")'),
      replaces: ['narrow', 'twin'],
    });
    expect(JSON.stringify(answer['findings'])).toMatch(/is a duplicate of/);
    await dropIndexes(url);
  });

  it('tries indexes of the caller in a plan', async () => {
    const sql = 'select * from orders where clerk = $1 and ordered_on > $2';
    const answer = await ask('explain_query', {
      sql,
      hypothetical_indexes: [
        'create index x on orders (clerk, ordered_on desc) where total > 5 and status is not null',
        'CREATE INDEX CONCURRENTLY ON public.orders USING btree (clerk) INCLUDE (total)',
      ],
    });
    expect(answer).toMatchObject({
      generic: true,
      comparison: {
        access: [
          {
            relation: 'orders',
            before: expect.stringContaining('Seq Scan'),
            after: expect.stringContaining('btree_orders_clerk'),
          },
        ],
      },
    });
    expect((answer['comparison'] as { cost_ratio: number }).cost_ratio).toBeLessThan(0.2);
    expect((await ask('explain_query', { sql }))['tree']).toContain('Seq Scan');
  });

  it('tries no index whose text is more than names and constants', async () => {
    const refused = [
      'create index on orders (pg_sleep(10))',
      'create index on orders ((total::text || pg_read_file($$/etc/passwd$$)))',
      'create index on orders (clerk) where pg_sleep(10) is null',
      'create index on orders (clerk) where total > (select 1)',
      'create unique index on orders (clerk)',
      'create index on orders (clerk) with (fillfactor = 10)',
      'create index on orders (clerk) tablespace pg_default',
      'create index on orders using gin (clerk)',
      'create index on orders (clerk public.text_ops)',
      'create index on orders (clerk collate "C")',
      'create index on orders (nothing)',
      'create index on orders (clerk); drop table orders',
      'drop table orders',
      'select hypopg_reset()',
    ];
    for (const each of refused) {
      const error = await fail('explain_query', { sql: 'select 1', hypothetical_indexes: [each] });
      expect([each, error.code]).toEqual([each, 'SQL_REJECTED']);
    }
    expect(
      await fail('explain_query', { sql: 'select 1', hypothetical_indexes: ['create index on nowhere (a)'] }),
    ).toMatchObject({ code: 'NOT_FOUND' });
    expect(
      await fail('explain_query', {
        sql: 'select 1',
        hypothetical_indexes: ['create index on pg_catalog.pg_class (relname)'],
      }),
    ).toMatchObject({ code: 'NOT_FOUND' });
    expect(await fail('explain_query', { sql: 'select 1', hide_indexes: ['orders_pkey'] })).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('1.4'),
    });
  });

  it('refuses statements that the guard refuses, and writes', async () => {
    for (const statement of ['select pg_sleep(1)', 'delete from orders', 'select 1; select 2', 'nonsense']) {
      const error = await fail('index_advice', { statements: [statement] });
      expect([statement, error.code]).toEqual([statement, 'SQL_REJECTED']);
    }
  });

  it('costs statements no more than every single-column index does, in a third of their room', async () => {
    await dropIndexes(url);
    const none = await costOf(url);
    const all = await singleColumnIndexes(url);
    const everyColumn = { indexes: all.length, size: await make(url, all), ...(await costOf(url)) };
    await dropIndexes(url);
    const statements = QUESTIONS.map(({ sql }) => sql);
    const max_size = Math.floor(everyColumn.size / 3);
    const advice = await measure(url, await ask('index_advice', { statements, max_size, timeout_s: 150 }));
    await runAs(url, 'select pg_stat_statements_reset()');
    for (const { sql, calls } of QUESTIONS) await runAs(url, ...Array.from({ length: calls / 20 }, () => sql));
    const workload = await measure(url, await ask('index_advice', { min_calls: 1, limit: 30, timeout_s: 150 }));
    console.log(JSON.stringify({ none, advice, workload, everyColumn }));
    expect(advice.once).toBeLessThanOrEqual(everyColumn.once);
    expect(advice.often).toBeLessThanOrEqual(everyColumn.often);
    expect(advice.once).toBeLessThan(none.once / 2);
    expect(advice.size).toBeLessThan(everyColumn.size / 3);
    expect(Math.abs(advice.estimated - advice.size) / advice.size).toBeLessThan(0.25);
    // the texts that are counted have no constants, so that ranges are taken to be wide
    expect(workload.often).toBeLessThan(none.often / 3);
    expect(workload.size).toBeLessThan(everyColumn.size / 3);
  }, 400_000);
});

function advised({ rows }: Facts): readonly Advised[] {
  return rows as readonly Advised[];
}

/** Of all statements, each run once, and as often as they are. */
async function costOf(url: string): Promise<{ once: number; often: number }> {
  let [once, often] = [0, 0];
  for (const { sql, calls } of QUESTIONS) {
    const [row] = await runAs(url, `explain (format json) ${sql}`);
    const { root } = readPlan(row?.['QUERY PLAN']);
    once += root.cost;
    often += root.cost * calls;
  }
  return { once: Math.round(once), often: Math.round(often) };
}

/** Makes what is proven, and takes it away again. */
async function measure(url: string, { rows }: Facts) {
  const proven = advised({ rows }).filter((each) => each.proven);
  const size = await make(
    url,
    proven.map(({ definition }) => definition),
  );
  const estimated = proven.reduce((sum, each) => sum + each.size, 0);
  const measured = { indexes: proven.length, size, estimated, ...(await costOf(url)) };
  await dropIndexes(url);
  return measured;
}

/** Makes indexes, and gives the bytes that they take. */
async function make(url: string, definitions: readonly string[]): Promise<number> {
  await runAs(url, ...definitions, 'vacuum analyze');
  const [row] = await runAs(url, `select sum(pg_relation_size(indexrelid))::float8 as size ${OWN}`);
  return Number(row?.['size']);
}

const OWN = `from pg_index i join pg_class c on c.oid = indexrelid where not indisprimary and c.relnamespace = 'public'::regnamespace and c.relname not like 'pg_stat%'`;

async function dropIndexes(url: string): Promise<void> {
  await runAs(
    url,
    `do $$ declare x text; begin for x in select c.relname ${OWN} loop execute format('drop index public.%I', x); end loop; end $$`,
  );
}
