import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, newestCluster } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
import {
  loginsOf,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';

function find({ rows }: Answer, text: string): Row | undefined {
  return rows.find(({ statement }) => String(statement).includes(text));
}

const SINCE = 'evictions, and since when the server counts';

describeEachMajor('top_statements', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  /** The view counts the whole server, where other tests run too. */
  const here = (input: Row = {}): Row => ({ of_database: clone().name, limit: 500, ...input });

  it('counts calls and rows, in milliseconds and bytes', async () => {
    await runAs(
      clone().superuserUrl,
      'select id as counted from shop.customers where id <= 7',
      'select id as counted from shop.customers where id <= 7',
      'select pg_sleep(0.2) as slept',
    );
    const answer = await howdah('monitor').call('top_statements', here());
    expect(find(answer, 'as counted')).toMatchObject({
      statement: 'select id as counted from shop.customers where id <= $1',
      database: clone().name,
      user: 'postgres',
      calls: 2,
      rows: 14,
      temp_size: 0,
      query_id: expect.stringMatching(/^-?\d+$/),
    });
    const slept = find(answer, 'as slept');
    expect(Number(slept?.['total_ms'])).toBeGreaterThan(199);
    expect(Number(slept?.['total_ms'])).toBeLessThan(5000);
    expect(slept).toMatchObject({ calls: 1, mean_ms: slept?.['total_ms'], max_ms: slept?.['total_ms'] });
    expect(Number(slept?.['total_percent'])).toBeGreaterThan(0);
    const hits = answer.rows.map(({ hit_percent }) => hit_percent);
    expect(hits).toContain(null); // pg_sleep touches no block
    expect(hits.every((percent) => percent === null || (Number(percent) >= 0 && Number(percent) <= 100))).toBe(true);
  });

  it.runIf(cluster.major >= 14)('counts the time of a statement within another once in the time of all', async () => {
    await runAs(
      clone().superuserUrl,
      `set pg_stat_statements.track = 'all'`,
      `do $$ begin execute 'do $inner$ begin perform pg_sleep(0.5); end $inner$'; end $$`,
    );
    const topLevel = async () => {
      const [row] = await runAs(
        clone().superuserUrl,
        'select sum(total_exec_time)::float as ms from pg_stat_statements where toplevel',
      );
      return Number(row?.['ms']);
    };
    const before = await topLevel();
    const { about } = await howdah('monitor').call('top_statements', here());
    const all = Number((about as Row)['all_ms']);
    expect(all).toBeGreaterThan(before - 1);
    expect(all).toBeLessThan((await topLevel()) + 1);
  });

  it.each(loginsOf(cluster))('shows no constant and no password of anybody, to %s', async (login) => {
    const [card, password] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    const role = `planted_${randomBytes(4).toString('hex')}`;
    await runAs(
      clone().superuserUrl,
      `select '${card}' as planted_card`,
      `create role ${role} password '${password}'`,
      `alter role ${role} password '${password}'`,
      `drop role ${role}`,
    );
    const answer = await howdah(login).call('top_statements', here());
    const text = JSON.stringify(answer);
    expect(text).not.toContain(card);
    expect(text).not.toContain(password);
    expect(text).not.toContain('insufficient privilege');
    expect(text.includes('withheld: may contain a password')).toBe(login !== 'plain');
  });

  it('tells a plain role that it sees the texts of its own statements only', async () => {
    await runAs(clone().plainUrl, 'select id as own_statement from shop.customers where id = 3');
    const answer = await howdah('plain').call('top_statements', here());
    expect(find(answer, 'own_statement')).toMatchObject({ user: 'plain', rows: 1 });
    const others = answer.rows.filter(({ user }) => user === 'postgres');
    expect(others.length).toBeGreaterThan(0);
    expect(others.every(({ statement, query_id }) => statement === null && query_id === null)).toBe(true);
    expect(answer.not_examined).toContainEqual(
      expect.objectContaining({ what: 'ids and texts of other roles’ statements' }),
    );
  });

  it.each([
    ['total_time', 'total_ms'],
    ['mean_time', 'mean_ms'],
    ['calls', 'calls'],
    ['rows', 'rows'],
    ['io', 'read_size'],
    ['temp', 'temp_size'],
    ['wal', 'wal_size'],
    ['planning', 'planning_ms'],
    ['jit', 'jit_ms'],
  ])('puts first what has most %s', async (order_by, field) => {
    const { rows } = await howdah('monitor').call('top_statements', here({ order_by }));
    const values = rows.map((row) => Number(row[field] ?? -1));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
  });

  it.runIf(cluster.major >= 15)('tells what compiling took', async () => {
    await runAs(
      clone().superuserUrl,
      'set jit = on',
      'set jit_above_cost = 0',
      'select count(*) as compiled from shop.order_lines where quantity > 1',
    );
    const answer = await howdah('monitor').call('top_statements', here({ order_by: 'jit' }));
    const [{ jit_provided } = {}] = await runAs(clone().superuserUrl, 'select pg_jit_available() as jit_provided');
    const compiled = find(answer, 'as compiled');
    expect(Number(compiled?.['jit_ms']) > 0).toBe(jit_provided);
    expect(Number(compiled?.['jit_ms'])).toBeLessThanOrEqual(Number(compiled?.['total_ms']));
  });

  it('leaves out what is not asked for', async () => {
    const { rows } = await howdah('monitor').call('top_statements', here({ min_calls: 2, user: 'postgres' }));
    expect(rows.length).toBeGreaterThan(0);
    expect(
      rows.every(({ calls, user, database }) => Number(calls) >= 2 && user === 'postgres' && database === clone().name),
    ).toBe(true);
    const few = await howdah('monitor').call('top_statements', { limit: 3 });
    expect(few).toMatchObject({ truncated: true });
    expect(few.total).toBeGreaterThan(3);
    expect(few.rows).toHaveLength(3);
  });

  it('reports a statement that takes most of the time', async () => {
    await runAs(clone().superuserUrl, 'select pg_sleep(0.3) as dominates');
    const { findings } = await howdah('monitor').call(
      'top_statements',
      here({ dominating_percent: 0.001, min_total_ms: 1 }),
    );
    expect(findings[0]).toMatchObject({ severity: 'warning', evidence: { database: clone().name } });
    const calm = await howdah('monitor').call('top_statements', here({ dominating_percent: 100, slow_ms: 1_000_000 }));
    expect(calm.findings.filter(({ severity }) => severity === 'warning')).toEqual([]);
  });

  it('says nothing of settings that are as they come, unless what they count is asked for', async () => {
    const answer = await howdah('monitor').call('top_statements', here());
    const gaps = (answer.not_examined ?? []).map(({ what }) => what);
    expect(gaps).toEqual(
      cluster.major === 12 ? ['WAL and planning times', SINCE] : cluster.major === 13 ? [SINCE] : [],
    );
    const planned = await howdah('monitor').call('top_statements', here({ order_by: 'planning' }));
    expect(planned.not_examined?.at(-1)?.what).toBe(cluster.major === 12 ? SINCE : 'planning times');
  });

  it('shows no statement of a database that the persona does not open', async () => {
    const other = await cloneDatabase(cluster);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await runAs(
        other.superuserUrl,
        'create table public.payroll (salary integer)',
        'select sum(salary) from payroll',
      );
      await runAs(clone().superuserUrl, 'select generate_series(1, 100000) as opened');
      expect(find(await howdah('monitor').call('top_statements', { of_database: other.name }), 'salary')).toBeDefined();
      const answer = await narrow.call('top_statements', {
        limit: 500,
        dominating_percent: 0,
        min_total_ms: 0,
        order_by: 'rows',
      });
      expect(find(answer, 'as opened')).toMatchObject({ database: clone().name });
      expect(new Set(answer.rows.map(({ database }) => database))).toEqual(new Set([clone().name]));
      expect(new Set(answer.findings.flatMap(({ evidence }) => evidence['database'] ?? []))).toEqual(
        new Set([clone().name]),
      );
      expect(JSON.stringify(answer)).not.toContain('salary');
      expect(answer).not.toHaveProperty('total');
      expect(answer.not_examined?.[0]).toMatchObject({ reason: 'The persona "narrow" does not open them.' });
      const asked = await narrow.call('top_statements', { limit: 2, of_database: other.name });
      expect(asked).toMatchObject({ rows: [], truncated: false, findings: [] });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('answers to its older name, whose database is where to connect', async () => {
    const answer = await howdah('monitor').call('get_pg_stat_statements_top_queries', {
      limit: 5,
      database_name: clone().name,
    });
    expect(answer.rows).toHaveLength(5);
    expect(answer).toMatchObject({ database: clone().name });
  });

  it('says what to do where the extension is missing', async () => {
    await runAs(
      clone().superuserUrl,
      'create extension if not exists pg_stat_statements',
      'drop extension pg_stat_statements',
    );
    const fresh = await openHowdah(clone().monitorUrl);
    const outcome = await fresh.attempt('top_statements');
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', hint: expect.stringContaining('CREATE EXTENSION pg_stat_statements;') },
    });
    await runAs(clone().superuserUrl, 'create extension pg_stat_statements');
    expect(await fresh.call('top_statements')).toMatchObject({ truncated: true });
    await fresh.close();
  });
});

describeEachMajor('top_statements with the extension in a schema of its own', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');

  it('says which right is missing', async () => {
    const howdah = await openHowdah(clone().plainUrl);
    const outcome = await howdah.attempt('top_statements');
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', hint: expect.stringContaining('GRANT USAGE ON SCHEMA "ext" TO "plain";') },
    });
    await howdah.close();
  });

  it('works with every version of it that the server has', async () => {
    const url = clone().superuserUrl;
    const versions = await runAs(
      url,
      `select version from pg_available_extension_versions where name = 'pg_stat_statements' and version::numeric = any ('{1.4,1.7,1.8,1.9,1.10,1.11,1.12}')
        order by string_to_array(version, '.')::int[]`,
    );
    expect(versions.length).toBeGreaterThan(1);
    await runAs(url, 'grant usage on schema ext to monitor');
    const howdah = await openHowdah(clone().monitorUrl);
    for (const { version } of versions) {
      // as an upgrade of the server leaves it, and while a Howdah is connected that knew another version
      await runAs(
        url,
        'drop extension pg_stat_statements',
        `create extension pg_stat_statements schema ext version '${String(version)}'`,
      );
      const answer = await howdah.call('top_statements', { limit: 5 });
      const minor = Number(String(version).split('.')[1]);
      expect(answer['about']).toMatchObject({ extension_version: version });
      expect(answer.rows).toHaveLength(5);
      expect((answer['about'] as Row)['since'] === null, `reset time with ${String(version)}`).toBe(minor < 9);
      expect(
        answer.rows.every(({ wal_size }) => wal_size === null),
        `WAL with ${String(version)}`,
      ).toBe(minor < 8);
      expect(
        answer.rows.every(({ top_level }) => top_level === null),
        `top level with ${String(version)}`,
      ).toBe(minor < 9);
      const missing = (answer.not_examined ?? []).map(({ what }) => what);
      expect(missing.includes('WAL and planning times')).toBe(minor < 8);
      expect(missing.includes('evictions, and since when the server counts')).toBe(minor < 9);
      const load = await howdah.call('statement_load', { group_by: 'role' });
      expect(load['about']).toMatchObject({ extension_version: version, texts_read: true });
      const [first] = load.rows;
      expect(first).toMatchObject({ database: null, user: expect.any(String), type: null });
      expect([first?.['wal_size'] === null, first?.['jit_ms'] === null], `costs with ${String(version)}`).toEqual([
        minor < 8,
        minor < 10,
      ]);
    }
    await howdah.close();
  });
});

describe('top_statements on a server that has not loaded the library', () => {
  it('says which setting is missing', async () => {
    expect(newestCluster().major).toBeGreaterThan(0);
    await withSeparateServer({ shared_preload_libraries: '' }, async (server, url) => {
      await runSql(server, 'postgres', 'create extension pg_stat_statements');
      const howdah = await openHowdah(url);
      const outcome = await howdah.attempt('top_statements');
      expect(outcome).toMatchObject({
        ok: false,
        error: {
          code: 'UNSUPPORTED',
          hint: expect.stringContaining('shared_preload_libraries'),
          details: { extension: 'pg_stat_statements' },
        },
      });
      await howdah.close();
    });
  });
});
