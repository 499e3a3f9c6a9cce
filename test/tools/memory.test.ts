import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { openNarrowHowdah, runAs, useHowdah, type Answer, type Howdah, type Row } from '../postgres/platform.ts';

const MIB = 2 ** 20;

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

function sumOf(rows: readonly Row[], field: string): number {
  return rows.reduce((sum, row) => sum + Number(row[field]), 0);
}

function gapsOf({ not_examined: gaps = [] }: Answer): string[] {
  return gaps.map(({ what }) => what);
}

/** With what its parts add up to. */
async function summedUp(howdah: Howdah): Promise<Row> {
  const { rows, truncated, not_examined: gaps = [], ...answer } = await howdah.call('buffer_cache');
  const summary = answer['summary'] as Row;
  return {
    ...summary,
    parts: Number(summary['used']) + Number(summary['unused']),
    counted: sumOf(answer['usage_counts'] as readonly Row[], 'buffers'),
    listed: rows.length,
    truncated,
    gaps: gaps.length,
  };
}

describeEachMajor('shared_memory', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it('tells its settings to everybody', async () => {
    const answer = await howdah('plain').call('shared_memory');
    expect(answer['settings']).toMatchObject({ shared_buffers: 16 * MIB, huge_pages: 'try', huge_page_size: null });
    const { shared_memory_size, huge_pages_status } = answer['settings'] as Row;
    expect(Number(shared_memory_size) > 16 * MIB).toBe(cluster.major >= 15);
    expect(['on', 'off'].includes(String(huge_pages_status))).toBe(cluster.major >= 17);
    expect(answer.findings).toEqual([]);
  });

  it.runIf(cluster.major >= 13)('shows what it is allocated for, the largest first', async () => {
    const answer = await howdah('superuser').call('shared_memory', { limit: 500 });
    expect(answer.rows[0]).toMatchObject({ kind: 'named', name: 'Buffer Blocks' });
    expect(Math.round(Number(answer.rows[0]?.['size']) / MIB)).toBe(16);
    const kinds = answer.rows.map(({ kind }) => kind);
    expect([kinds.filter((kind) => kind === 'anonymous'), kinds.filter((kind) => kind === 'unused')]).toEqual([
      ['anonymous'],
      ['unused'],
    ]);
    expect(answer.total).toBe(answer.rows.length);
    expect(sumOf(answer.rows, 'allocated_size')).toBe(answer['total_size']);
    expect(sumOf(answer.rows, 'percent')).toBeCloseTo(100, 0);
    const some = await howdah('superuser').call('shared_memory');
    expect(some).toMatchObject({ truncated: true, total: answer.total });
    expect(some.rows).toHaveLength(20);
  });

  it.runIf(cluster.major < 13)('says that this server does not', async () => {
    const answer = await howdah('superuser').call('shared_memory');
    expect(answer.not_examined).toMatchObject([{ reason: expect.stringContaining('PostgreSQL 13') }]);
    expect(answer).toMatchObject({ rows: [], total_size: null });
  });

  it.runIf(cluster.major >= 13)('says how a login comes to see it', async () => {
    const login = cluster.major >= 15 ? 'plain' : 'monitor';
    const [gap] = (await howdah(login).call('shared_memory')).not_examined ?? [];
    expect(gap).toMatchObject({ what: 'what shared memory is allocated for' });
    const remedy = (gap?.remedy ?? '').split('\n').filter((line) => line.includes('GRANT'));
    expect(remedy).toHaveLength(cluster.major >= 15 ? 1 : 2);
    await runAs(clone().superuserUrl, ...remedy.map((line) => line.replace('pg_monitor', 'pg_read_all_stats')));
    try {
      expect((await howdah(login).call('shared_memory')).rows[0]).toMatchObject({ name: 'Buffer Blocks' });
    } finally {
      await runAs(clone().superuserUrl, 'revoke pg_read_all_stats from plain');
    }
  });

  it('asks for NUMA nodes only where there are any', async () => {
    const answer = await howdah('superuser').call('shared_memory', { numa: true });
    expect(answer['numa_nodes']).toEqual([]);
    const gap = answer.not_examined?.find(({ what }) => what === 'shared memory by NUMA node');
    expect(gap?.reason).toMatch(cluster.major >= 18 ? /^pg_numa_available\(\) is false/ : /needs PostgreSQL 18/);
    expect(await howdah('superuser').call('shared_memory')).not.toHaveProperty('numa_nodes');
  });
});

describeEachMajor('backend_memory', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it('adds up what settings let sessions use', async () => {
    const answer = await howdah('monitor').call('backend_memory');
    const bounds = listOf(answer, 'bounds');
    const of = (setting: string) => bounds.find((bound) => bound['setting'] === setting);
    const hashes = cluster.major >= 15 ? 2 : 1;
    expect(of('work_mem')).toMatchObject({ size: 4 * MIB, most: 100, most_size: 400 * MIB });
    expect(of('work_mem')?.['now']).toBeGreaterThanOrEqual(1);
    expect(of('work_mem')?.['now_size']).toBe(4 * MIB * Number(of('work_mem')?.['now']));
    expect(of('work_mem * hash_mem_multiplier')).toMatchObject({ size: hashes * 4 * MIB });
    expect(of('temp_buffers')).toMatchObject({ size: 8 * MIB });
    expect(of('autovacuum_work_mem')).toMatchObject({ size: 64 * MIB, now: 0, most: 3 });
    expect(of('logical_decoding_work_mem') !== undefined).toBe(cluster.major >= 13);
    expect(answer.findings).toEqual([]);
  });

  it.runIf(cluster.major >= 14)('shows the memory contexts of its own session, the largest first', async () => {
    const answer = await howdah('superuser').call('backend_memory', { limit: 500 });
    const cache = answer.rows.find(({ name }) => name === 'CacheMemoryContext');
    expect(cache).toMatchObject({ parent: 'TopMemoryContext', contexts: 1 });
    expect(answer.rows.find(({ name }) => name === 'TopMemoryContext')).toMatchObject({ parent: null });
    expect(answer.rows.find(({ name }) => name === 'index info')?.['contexts']).toBeGreaterThan(10);
    expect(sumOf(answer.rows, 'total_bytes')).toBe(answer['session_bytes']);
    expect(Number(cache?.['used_bytes']) + Number(cache?.['free_bytes'])).toBe(cache?.['total_bytes']);
    expect(gapsOf(answer)).toContain('memory of other sessions');
    const remedy = answer.not_examined?.find(({ what }) => what === 'memory of other sessions')?.remedy ?? '';
    const [look = '', log = ''] = remedy.split('\n');
    expect(await runAs(clone().superuserUrl, look)).not.toEqual([]);
    const logged = await runAs(clone().superuserUrl, log.replace(/^.*: /, '').replace('(pid)', '(pg_backend_pid())'));
    expect(logged).toEqual([{ pg_log_backend_memory_contexts: true }]);
  });

  it('says what it does not see of them', async () => {
    const answer = await howdah('monitor').call('backend_memory');
    const gap = answer.not_examined?.find(({ what }) => what === 'memory contexts of our own session');
    expect(gap === undefined).toBe(cluster.major >= 15);
    const expected: Readonly<Record<number, RegExp>> = {
      12: /PostgreSQL 14/,
      13: /PostgreSQL 14/,
      14: /permission denied/,
    };
    expect(gap?.reason ?? '').toMatch(expected[cluster.major] ?? /^$/);
    expect(gap?.remedy?.includes('GRANT EXECUTE ON FUNCTION') ?? false).toBe(cluster.major === 14);
  });
});

describeEachMajor('buffer_cache', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(() =>
    runAs(
      clone().superuserUrl,
      'create schema planted',
      'create table planted.large as select g as a, repeat($$x$$, 100) as b from generate_series(1, 100000) g', // over 12 MiB
      'analyze planted.large',
    ),
  );

  it('says what it needs, and tells hits without', async () => {
    const answer = await howdah('monitor').call('buffer_cache', { detail: 'relations' });
    expect(answer).toMatchObject({ summary: null, usage_counts: [], rows: [], hits: { seconds: null } });
    const { hit, read, hit_percent } = answer['hits'] as Row;
    expect(hit_percent).toBeCloseTo((100 * Number(hit)) / (Number(hit) + Number(read)), 1);
    expect(answer.not_examined).toMatchObject([
      {
        what: expect.stringMatching(/^how full .*, buffers by/),
        remedy: expect.stringMatching(/^CREATE EXTENSION pg_buffercache;/),
      },
    ]);
    await runAs(clone().superuserUrl, 'create schema ext', `create extension pg_buffercache schema ext version '1.3'`);
    const [gap] = (await howdah('monitor').call('buffer_cache')).not_examined ?? [];
    expect(gap?.remedy).toBe('GRANT USAGE ON SCHEMA "ext" TO "monitor";');
    await runAs(clone().superuserUrl, gap?.remedy ?? '');
  });

  it('sums up buffers, by whichever version of the extension there is', async () => {
    const whole = { buffers: 2048, size: 16 * MIB, parts: 2048, counted: 2048, listed: 0, truncated: false, gaps: 0 };
    const older = await summedUp(howdah('monitor'));
    expect(older).toMatchObject(whole);
    expect(older['usage_avg']).toBeGreaterThan(0);
    await runAs(clone().superuserUrl, 'alter extension pg_buffercache update');
    const newer = await summedUp(howdah('monitor'));
    expect(newer).toMatchObject(whole);
    expect(newer['usage_avg']).toBeGreaterThan(0);
  });

  it('shows which relations are in it, by their own names', async () => {
    const { superuserUrl, name } = clone();
    const touched = [
      'select count(*) from pgboss.job',
      'select count(*) from pg_catalog.pg_class',
      'set enable_seqscan = off',
      'select count(*) from indexes.events where account = 7 and id > 0',
    ];
    const inCache = `select count(*)::int * 8192 as size from ext.pg_buffercache
      where relfilenode = pg_relation_filenode('shop."Order"') and reldatabase = (select oid from pg_database where datname = '${name}')`;
    // others use the same small cache
    const look = async () => {
      const [before] = await runAs(superuserUrl, ...touched, 'select count(*) from shop."Order"', inCache);
      const answer = await howdah('monitor').call('buffer_cache', { detail: 'relations', limit: 500 });
      const [after] = await runAs(superuserUrl, inCache);
      return { before, answer, after };
    };
    const isCalm = ({ before, after }: Awaited<ReturnType<typeof look>>) => before?.['size'] === after?.['size'];
    let seen = await look();
    for (let tries = 20; tries > 0 && !isCalm(seen); tries--) seen = await look();
    const { answer, after } = seen;
    const rowOf = (schema: string, relation: string) =>
      answer.rows.find((row) => row['schema'] === schema && row['relation'] === relation);
    expect(rowOf('shop', 'Order')).toMatchObject({ kind: 'table', table: null, size: after?.['size'] });
    expect(rowOf('shop', 'Order')?.['cached_percent']).toBeGreaterThan(50);
    expect(rowOf('shop', 'Order')?.['cache_percent']).toBeCloseTo(Number(after?.['size']) / (0.16 * MIB), 1);
    expect(rowOf('indexes', 'events_used')).toMatchObject({ kind: 'index', table: 'events' });
    expect(rowOf('pgboss', 'job')).toMatchObject({ kind: 'table' });
    expect(rowOf('pg_catalog', 'pg_class')).toMatchObject({ kind: 'table' }); // whose file is in no column of pg_class
    expect(rowOf('pg_catalog', 'pg_database')).toMatchObject({ kind: 'table' }); // which is shared
    expect(answer.rows.every(({ size }, i) => Number(size) <= Number(answer.rows[i - 1]?.['size'] ?? Infinity))).toBe(
      true,
    );
    const databases = listOf(answer, 'databases');
    expect(databases.map(({ database }) => database)).toEqual(expect.arrayContaining([name, null]));
    expect(sumOf(databases, 'cache_percent')).toBeLessThanOrEqual(100.1);
    const few = await howdah('monitor').call('buffer_cache', {
      detail: 'relations',
      schema: 'shop',
      name: 'order*',
      limit: 1,
    });
    expect(few).toMatchObject({ truncated: true, rows: [{ schema: 'shop' }] });
  });

  it('counts hits between two looks, and names who reads', async () => {
    const call = howdah('monitor').call('buffer_cache', { seconds: 3 });
    await sleep(700);
    await runAs(clone().superuserUrl, 'select count(*) from planted.large'); // more than a scan may keep in the cache
    const answer = await call;
    const { seconds, read, read_size } = answer['hits'] as Row;
    expect(Number(seconds)).toBeGreaterThanOrEqual(3);
    expect(read_size).toBe(Number(read) * 8192);
    const [first] = listOf(answer, 'reads');
    expect(first).toMatchObject({ schema: 'planted', table: 'large' });
    expect(Number(first?.['read_size'])).toBeGreaterThan(6 * MIB);
    expect(Number(first?.['hit_percent'])).toBeLessThan(50);
  });

  it('tells a plain role what it needs, and nobody of databases that are not open', async () => {
    const plain = await howdah('plain').call('buffer_cache');
    expect(plain).toMatchObject({ summary: null, not_examined: [{ remedy: 'GRANT pg_monitor TO "plain";' }] });
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    await runAs(cluster.superuserUrl, 'select count(*) from pg_class'); // of another database
    const answer = await narrow.call('buffer_cache', { detail: 'relations' });
    expect(listOf(answer, 'databases').map(({ database }) => database)).toEqual(expect.arrayContaining([clone().name]));
    expect(JSON.stringify(answer)).not.toContain('"postgres"');
    expect(gapsOf(answer)[0]).toMatch(/^\d+ rows? of other databases$/);
    await narrow.close();
  });
});

describeEachStandby('memory of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const standby = useHowdah(() => clone().standby ?? clone());

  it('is its own', async () => {
    await runAs(clone().superuserUrl, 'create extension pg_buffercache schema public');
    await caughtUp(cluster);
    const cache = await standby('monitor').call('buffer_cache', { detail: 'relations' });
    expect(cache['summary']).toMatchObject({ buffers: 2048 });
    expect(cache.rows.length).toBeGreaterThan(0);
    const shared = await standby('superuser').call('shared_memory');
    expect(shared['settings']).toMatchObject({ shared_buffers: 16 * MIB });
    const sessions = await standby('superuser').call('backend_memory');
    expect(listOf(sessions, 'bounds')[0]).toMatchObject({ setting: 'work_mem', size: 4 * MIB });
  });
});
