import { expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

describeEachMajor('collation_versions', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const howdah = useHowdah(clone);
  const call = () => howdah('plain').call('collation_versions');

  it.each(loginsOf(cluster))(
    'compares what was recorded with what there is, and counts the indexes, for %s',
    async (login) => {
      const answer = await howdah(login).call('collation_versions');
      expect(fieldsOf(answer, 'kind', 'schema', 'collation', 'provider', 'state', 'indexes', 'partition_keys')).toEqual(
        [
          ['database', null, clone().name, 'libc', 'never changes', expect.any(Number), 0],
          ['collation', 'orders', 'of old', 'icu', 'changed', 3, 1],
          ['collation', 'orders', 'unused', 'icu', 'changed', 0, 0],
          ['collation', 'orders', 'unversioned', 'icu', 'unknown', 1, 0],
          ['collation', 'pg_catalog', 'fr-x-icu', 'icu', 'same', 1, 0],
        ],
      );
      expect(answer.rows[1]).toMatchObject({
        locale: 'de',
        recorded_version: '0',
        actual_version: expect.stringMatching(/^\d/),
        index_size: 3 * 8192,
        first_indexes: ['orders.words_a', 'orders.words_lower', 'orders.words_where'],
      });
    },
  );

  it('warns of the one that orders something, and calls what has no version unknown', async () => {
    const answer = await call();
    expect(answer.findings).toEqual([
      expect.objectContaining({
        severity: 'warning',
        claim: 'The collation "orders"."of old" has changed since 3 indexes were built by it: they may miss rows.',
        object: '"orders"."of old"',
      }),
    ]);
    expect(answer.not_examined).toEqual([
      expect.objectContaining({
        what: 'whether the collation "orders"."unversioned" orders as it did when 1 index was built',
        reason: 'No version of it was recorded.',
      }),
    ]);
  });

  it('is content when the advice was followed', async () => {
    const url = clone().superuserUrl;
    await runAs(url, 'create table orders.apart (w text collate orders."of old", exclude using btree (w with =))');
    const [, write = '', last = ''] = (await call()).findings[0]?.next_step?.split('\n') ?? [];
    const statements = (await runAs(url, write)).map((row) => String(row['format']));
    expect(statements.toSorted()).toEqual([
      expect.stringMatching(/^-- locks out .*: REINDEX INDEX orders\.apart_w_excl;$/),
      'REINDEX INDEX CONCURRENTLY orders.words_a;',
      'REINDEX INDEX CONCURRENTLY orders.words_lower;',
      'REINDEX INDEX CONCURRENTLY orders.words_where;',
    ]);
    for (const statement of statements) await runAs(url, statement.replace(/^-- .*: /, ''));
    await runAs(url, last.replace(/^.*(?=ALTER COLLATION)/, ''));
    expect((await call()).findings).toEqual([]);
  });

  it.runIf(cluster.major >= 15)('judges the default of a database as list_databases does', async () => {
    const name = `${clone().name}_icu`;
    const url = clone().superuserUrl;
    await runAs(url, `create database ${name} template template0 locale_provider icu icu_locale 'de'`);
    const there = new URL(url);
    there.pathname = `/${name}`;
    const one = await openHowdah(there.href);
    try {
      await runAs(there.href, 'create table public.words (w text primary key)');
      const same = await one.call('collation_versions');
      expect(fieldsOf(same, 'provider', 'locale', 'state', 'indexes')).toEqual([['icu', 'de', 'same', 1]]);
      expect(same).not.toHaveProperty('not_examined');
      await runAs(url, `update pg_database set datcollversion = '1' where datname = '${name}'`);
      const changed = await one.call('collation_versions');
      expect(fieldsOf(changed, 'state', 'recorded_version')).toEqual([['changed', '1']]);
      await withSession(there.href, async (other) => {
        await other.query('create temporary table passing (w text primary key)');
        const rebuilt = await runAs(
          there.href,
          'create table public.parted (w text, n integer) partition by list (n)',
          'create table public.part partition of public.parted for values in (1)',
          'create index parted_w on public.parted (w)',
          'create index part_n on public.part (n)',
          `create index part_later on public.part (n) where w > 'm'`,
          `create index part_is_later on public.part ((w > 'm'))`,
          `create index part_c on public.part (n) where w > 'm' collate "C"`,
          'create index part_hash on public.part using hash (w)',
          'create index part_pattern on public.part (w text_pattern_ops)',
          'alter table public.part add constraint apart exclude using btree (w with =)',
          changed.findings[0]?.next_step?.split('\n')[1] ?? '',
        );
        expect(rebuilt.map((row) => String(row['format']).replace(/^-- .*: /, '')).toSorted()).toEqual([
          'REINDEX INDEX CONCURRENTLY part_is_later;',
          'REINDEX INDEX CONCURRENTLY part_later;',
          'REINDEX INDEX CONCURRENTLY part_w_idx;',
          'REINDEX INDEX CONCURRENTLY words_pkey;',
          'REINDEX INDEX apart;',
        ]);
      });
      const listed = await one.call('list_databases', { limit: 500 });
      expect(changed.findings).toHaveLength(1);
      expect(listed.findings).toContainEqual(changed.findings[0]);
    } finally {
      await one.close();
      await runAs(url, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
      await runAs(url, `drop database if exists ${name} with (force)`);
    }
  });

  it.runIf(cluster.major < 15)('does not know of a database, whose version nobody records', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      // with a locale that is not there nobody could connect any more: we are all connected
      const set = (locale: string) =>
        session.query(`update pg_database set datcollate = '${locale}' where datname = current_database()`);
      await call();
      await set('de_DE.UTF-8');
      const answer = await call();
      await set('C');
      expect(answer.rows[0]).toMatchObject({ kind: 'database', state: 'unknown', recorded_version: null });
      expect(answer.not_examined?.[0]).toMatchObject({
        what: expect.stringMatching(/^whether the collation of database ".*" orders as it did/),
        reason: 'PostgreSQL records the version of the collation of a database from 15 on.',
      });
    });
  });

  it('waits for no lock', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table orders.words in access exclusive mode');
      const startedAt = performance.now();
      expect((await call()).rows.length).toBeGreaterThan(3);
      expect(performance.now() - startedAt).toBeLessThan(1000);
    });
  });
});
