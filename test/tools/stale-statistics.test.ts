import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Howdah, type Row } from '../postgres/platform.ts';
import { follow, objects } from './advice.ts';
import { untilCounted } from './counted.ts';

const FIXTURE = readFileSync(new URL('fixtures/stale.sql', import.meta.url), 'utf8');
const ANALYZED = ['"New Column"', 'expression', 'extended', 'fine', 'parts_1', 'grown', 'grown_1'];

async function load(url: string): Promise<void> {
  await runAs(url, FIXTURE);
  await runAs(
    url,
    'vacuum stale.vacuumed',
    'vacuum (analyze) stale.changed',
    ...ANALYZED.map((table) => `analyze stale.${table}`),
  );
  // changes are counted when the session ends, and ANALYZE counts afresh
  await untilCounted(url, `(select count(last_analyze) from pg_stat_user_tables where schemaname = 'stale') >= 7`);
  await runAs(
    url,
    'alter table stale."New Column" add column later integer default 1',
    'create index expression_lower on stale.expression (lower(note))',
    'create statistics stale.extended_both (ndistinct, dependencies) on a, b from stale.extended',
    'update stale.changed set id = id + 1 where id <= 2500',
    `insert into stale.changed select g, 'note' from generate_series(20001, 22500) g`,
    `insert into stale.grown select g, 'note' from generate_series(1001, 20000) g`,
  );
  await runAs(url, 'analyze stale.grown_1');
  await untilCounted(url, `(select n_mod_since_analyze = 5000 from pg_stat_user_tables where relname = 'changed')`);
}

function rowOf({ rows }: Answer, table: string): Row {
  return rows.find((row) => row['table'] === table) ?? {};
}

/** Why each table is listed. */
function reasonsOf({ rows }: Answer): Record<string, unknown> {
  return Object.fromEntries(rows.map(({ table, reasons }) => [table, reasons]));
}

function ask(howdah: Howdah, input: Record<string, unknown> = {}): Promise<Answer> {
  return howdah.call('stale_statistics', { schema: 'stale', limit: 100, ...input });
}

describeEachMajor('stale_statistics', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  /** From 14 on ANALYZE counts the rows of a partitioned table. */
  const wholes = cluster.major >= 14;
  beforeAll(() => load(clone().superuserUrl));

  it('tells what ANALYZE has not seen, and what has changed since', async () => {
    const answer = await ask(howdah('superuser'));
    expect(reasonsOf(answer)).toEqual({
      loaded: ['never_analyzed'],
      vacuumed: ['never_analyzed'],
      parts: ['never_analyzed'],
      far: ['never_analyzed'],
      far_asked: ['never_analyzed'],
      'New Column': ['columns'],
      expression: ['expressions'],
      extended: ['extended'],
      changed: ['changed'],
      ...(wholes && { grown: ['changed'] }),
    });
    expect(rowOf(answer, 'loaded')).toMatchObject({ rows: null, n_live_tup: 20_000, last_analyze: null });
    expect(rowOf(answer, 'vacuumed')).toMatchObject({ rows: 20_000, columns_without: 2 });
    expect(rowOf(answer, 'New Column')).toMatchObject({ rows: 20_000, columns_without: 1 });
    expect(rowOf(answer, 'expression')).toMatchObject({ not_built: ['expression_lower'], columns_without: 0 });
    expect(rowOf(answer, 'extended')).toMatchObject({ not_built: ['extended_both'] });
    expect(rowOf(answer, 'changed')).toMatchObject({ n_mod_since_analyze: 5000, changed_percent: 25 });
    expect(rowOf(answer, 'parts')).toMatchObject({ kind: 'partitioned_table', rows: 20_000, last_autoanalyze: null });
    expect(rowOf(answer, 'grown')['changed_percent']).toBe(wholes ? 1900 : undefined);
    expect(answer).not.toHaveProperty('not_examined');
  });

  it('reports each with the ANALYZE that mends it, and the foreign table that nothing else asks', async () => {
    const answer = await ask(howdah('superuser'));
    expect(objects(answer).toSorted()).toEqual(
      [
        'notice "stale"."New Column"',
        // autovacuum is off for it
        'notice "stale"."changed"',
        'notice "stale"."expression"',
        'notice "stale"."extended"',
        'notice "stale"."far"',
        ...(wholes ? ['notice "stale"."grown"'] : []),
        'notice "stale"."loaded"',
        'notice "stale"."parts"',
        'notice "stale"."vacuumed"',
      ].toSorted(),
    );
    expect(
      (await ask(howdah('superuser'), { min_rows: 100_000 })).findings.map(({ object }) => String(object)).toSorted(),
    ).toEqual(['"stale"."changed"', '"stale"."far"', '"stale"."loaded"', '"stale"."vacuumed"']);
  });

  it('shows the targets of columns that have their own', async () => {
    await runAs(
      clone().superuserUrl,
      'alter table stale.changed alter note set statistics 700, alter id set statistics 0',
    );
    const answer = await ask(howdah('superuser'), { name: 'changed' });
    expect(rowOf(answer, 'changed')).toMatchObject({ targets: ['id 0', 'note 700'], columns_without: 0 });
  });

  it.each(['monitor', 'plain'] as const)('tells %s what it cannot see, and what everybody sees', async (login) => {
    const answer = await ask(howdah(login));
    expect(reasonsOf(answer)).toEqual({
      loaded: ['never_analyzed'],
      far: ['never_analyzed'],
      far_asked: ['never_analyzed'],
      changed: ['changed'],
      vacuumed: ['changed'], // as far as they see
      ...(wholes && { parts: ['never_analyzed'], grown: ['changed'] }),
    });
    expect(rowOf(answer, 'changed')).toMatchObject({ columns_without: null });
    const gaps = (answer.not_examined ?? []).map(({ what }) => what);
    expect(gaps).toEqual([
      expect.stringMatching(/^whether the columns of (\d+) of \1 tables have statistics$/),
      'whether 2 indexes on expressions have statistics',
      'whether 2 extended statistics were built',
    ]);
  });

  it('answers at once while a table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table stale.loaded, stale.parts in access exclusive mode');
      const startedAt = performance.now();
      const answer = await ask(howdah('superuser'));
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(reasonsOf(answer)).toMatchObject({ vacuumed: ['never_analyzed'], 'New Column': ['columns'] });
    });
  });

  it('finds nothing any more once its advice was followed', async () => {
    const { findings } = await ask(howdah('superuser'));
    for (const finding of findings.filter(({ object }) => object !== '"stale"."far"'))
      await follow(clone().superuserUrl, finding);
    await untilCounted(
      clone().superuserUrl,
      `(select n_mod_since_analyze = 0 from pg_stat_user_tables where relname = 'changed')`,
    );
    const answer = await ask(howdah('superuser'));
    expect(Object.keys(reasonsOf(answer)).toSorted()).toEqual(['far', 'far_asked']);
  });

  it.each(loginsOf(cluster))('has nothing to say of a database that is in order, for %s', async (login) => {
    await runAs(clone().superuserUrl, 'drop schema if exists stale cascade', 'analyze');
    const answer = await howdah(login).call('stale_statistics');
    expect(answer.findings.map(({ claim }) => claim)).toEqual([]);
  });

  it.runIf(cluster.major >= 18)('asks for no statistics of virtual columns', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema stale',
      'create table stale.virtual (id integer, twice integer generated always as (id * 2) virtual)',
      'insert into stale.virtual select generate_series(1, 20000)',
    );
    await runAs(clone().superuserUrl, 'analyze stale.virtual');
    expect((await ask(howdah('superuser'))).rows).toEqual([]);
  });
});

describeEachStandby('stale_statistics of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());
  beforeAll(async () => {
    await load(clone().superuserUrl);
    await caughtUp(cluster);
  });

  it('are those of the primary, which alone counts changes', async () => {
    const answer = await ask(standby('superuser'));
    expect(reasonsOf(answer)).toMatchObject({
      loaded: ['never_analyzed'],
      vacuumed: ['never_analyzed'],
      'New Column': ['columns'],
      extended: ['extended'],
    });
    expect(reasonsOf(answer)).not.toHaveProperty('changed');
    expect(answer.not_examined?.at(-1)).toMatchObject({ remedy: 'Ask the primary.' });
  });
});
