/** What the tools about tables, their bloat and their vacuuming say of databases in which nothing is wrong. */
import { beforeAll, describe, expect, it } from 'vitest';
import { renderAnswer } from '../../src/render/answer.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, newestCluster } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah } from '../postgres/platform.ts';
import { untilCounted } from './counted.ts';

const TOOLS = [
  'table_statistics',
  'hot_updates',
  'sequential_scans',
  'stale_statistics',
  'vacuum_history',
  'wraparound',
  'xmin_holders',
  'table_bloat',
  'index_bloat',
  'schema_bloat',
  'index_usage',
];

const SCHEMA = [
  'create schema "we.ird"',
  'create table "we.ird"."Order" (id bigint generated always as identity primary key, "at" timestamptz not null, note text)',
  'create index on "we.ird"."Order" ("at", id)',
  'create index on "we.ird"."Order" (lower(note))',
  `insert into "we.ird"."Order" ("at", note) select now(), 'note ' || g from generate_series(1, 20000) g`,
  'create table public.parts (id bigint not null, at date not null, primary key (id, at)) partition by range (at)',
  "create table public.parts_1 partition of public.parts for values from ('2024-01-01') to ('2025-01-01')",
  `insert into public.parts select g, '2024-05-01' from generate_series(1, 20000) g`,
  'create table public.empty (id integer primary key, note text)',
  'create statistics public.both on "at", id from "we.ird"."Order"',
];

describeEachMajor('a database whose tables are in order', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);
  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(url, ...SCHEMA);
    // rows that are counted only after ANALYZE look as if they had come after it
    await untilCounted(url, `(select sum(n_tup_ins) >= 40000 from pg_stat_user_tables)`);
    await runAs(url, 'vacuum (analyze)');
    await untilCounted(url, `(select sum(n_mod_since_analyze) = 0 from pg_stat_user_tables)`);
    await runAs(url, 'update "we.ird"."Order" set note = note || 1 where id < 100', 'select * from public.parts');
  });

  it.each(loginsOf(cluster))('gives no finding, for %s', async (login) => {
    for (const tool of TOOLS) {
      const { findings } = await howdah(login).call(tool);
      // a transaction of another test may hold back cleanup for a while, and is young
      expect({ tool, claims: findings.map(({ claim }) => claim) }).toEqual({ tool, claims: [] });
    }
  });
});

const each = (statement: string) =>
  `do $$ begin for n in 1..2000 loop execute format('${statement}', 'many_' || n); end loop; end $$`;

describe('thousands of tables', () => {
  const clone = useClone(newestCluster(), 'fixture_ext');
  const howdah = useHowdah(clone);

  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      each('create table public.%1$I (id integer primary key, note text) with (autovacuum_enabled = off)'),
      each(`insert into public.%1$I select g, repeat(''x'', 50) from generate_series(1, 20) g`),
      each('update public.%1$I set note = repeat(note, 20)'),
    );
    await runAs(url, each('analyze public.%1$I'));
  }, 60_000);

  it.each(TOOLS)('get a short answer within a moment from %s', async (tool) => {
    const startedAt = performance.now();
    const outcome = await howdah('monitor').attempt(tool, { timeout_s: 30 });
    const tookMs = performance.now() - startedAt;
    const text = outcome.ok ? renderAnswer(outcome.operation, outcome.output, { maxRows: 20 }) : '';
    expect(text).toContain('server:');
    expect(text.length).toBeLessThan(8000);
    expect(tookMs).toBeLessThan(5000);
  });
});
