/** A database in order has no finding; a large one costs no more to ask; a standby knows what its primary knows. */
import { beforeAll, describe, expect, it } from 'vitest';
import { renderAnswer } from '../../src/render/answer.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, openHowdah, runAs, useHowdah, type Answer } from '../postgres/platform.ts';
import { useCloneWith } from './schema-fixture.ts';

const TOOLS = [
  'list_schemas',
  'list_functions',
  'foreign_keys',
  'tables_without_primary_key',
  'unvalidated_constraints',
  'collation_versions',
  'partitions',
  'partition_problems',
  'extensions',
  'list_sequences',
  'describe_table',
] as const;

const IN_ORDER = [
  'create schema "we.ird"',
  'create table "we.ird"."Order" (id bigint generated always as identity primary key, "at" date not null, note text check (note <> \'\'))',
  'create table public.lines (order_id bigint not null references "we.ird"."Order", line integer, primary key (order_id, line))',
  'create table public.settings (name text not null unique, value text)',
  'create table public.parts (id bigint not null, at date not null, primary key (id, at)) partition by range (at)',
  `create table public.parts_1 partition of public.parts for values from ('2024-01-01') to ('2100-01-01')`,
  'create table public.parts_rest partition of public.parts default',
  'create view public.notes as select note from "we.ird"."Order"',
  'create publication changes for table "we.ird"."Order", public.lines',
];

describeEachMajor('a database in order', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);
  beforeAll(() => runAs(clone().superuserUrl, ...IN_ORDER));

  it.each(loginsOf(cluster))('has no finding, for %s', async (login) => {
    for (const tool of TOOLS) {
      const { findings } = await howdah(login).call(tool);
      expect([tool, findings]).toEqual([tool, []]);
    }
  });
});

describeEachStandby('schemas on a standby', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());
  beforeAll(() => caughtUp(cluster));

  it.each(LOGINS)('are as they are on the primary, for %s', async (login) => {
    for (const tool of TOOLS) {
      const here = await standby(login).call(tool);
      const there = await primary(login).call(tool);
      expect([tool, lasting(here)]).toEqual([tool, lasting(there)]);
      expect((here.rows as unknown[] | undefined) ?? here['tables']).not.toEqual([]);
    }
  });

  it('have collations that only their primary can put in order', async () => {
    const [finding] = (await standby('monitor').call('collation_versions')).findings;
    expect(finding).toMatchObject({ object: '"orders"."of old"', severity: 'warning' });
    expect(finding?.next_step).toMatch(/^-- the primary orders as its own libraries do/);
  });
});

/** Without the time that has gone by in between. */
function lasting({ rows, tables, objects }: Answer): unknown {
  const timeless = (rows as typeof rows | undefined)?.map((row) => ({ ...row, ahead_s: null }));
  return { rows: timeless, tables, objects };
}

describe('schemas of 2,000 tables', () => {
  const clone = useClone(newestCluster());
  beforeAll(async () => {
    await runAs(
      clone().superuserUrl,
      'create table public.hub (id integer primary key)',
      `do $$ begin for n in 1..2000 loop
         execute format('create table public.%I (id serial, hub_id integer references public.hub, note text, n integer)', 'a_table_with_a_name_of_some_length_' || n);
       end loop; end $$`,
      `do $$ begin for n in 1..500 loop
         execute format('create function public.%I(a integer, b text) returns integer language sql as ''select 1''', 'a_function_' || n);
       end loop; end $$`,
    );
  }, 120_000);

  it.each(TOOLS)('are a short answer, soon, from %s', async (tool) => {
    const howdah = await openHowdah(clone().plainUrl);
    await howdah.call('list_servers');
    const startedAt = performance.now();
    const outcome = await howdah.attempt(tool);
    const tookMs = performance.now() - startedAt;
    await howdah.close();
    if (!outcome.ok) throw new Error(outcome.error.message);
    expect(renderAnswer(outcome.operation, outcome.output, { maxRows: 20 }).length).toBeLessThan(8192);
    expect(tookMs).toBeLessThan(5 * 2000);
  });
});
