import { expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf, follow, objects } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

describeEachMajor('tables_without_primary_key', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const howdah = useHowdah(clone);
  const call = (input = {}) => howdah('plain').call('tables_without_primary_key', { schema: 'keyless', ...input });

  it.each(loginsOf(cluster))('names them with the key that there is and who publishes them, for %s', async (login) => {
    const answer = await howdah(login).call('tables_without_primary_key', { schema: 'keyless' });
    const rows = fieldsOf(answer, 'table', 'unique_columns', 'unique_usable', 'publications', 'changes_fail');
    expect(rows.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
      ['fully', null, null, ['changes'], false],
      ['log', null, null, [], false],
      ['nullable', ['a'], false, [], false],
      ['parted', null, null, ['changes'], true],
      ['partial', ['a'], false, ['changes'], true],
      ['whole', ['a', 'B'], true, ['changes'], true],
    ]);
    expect(answer).toMatchObject({ total: 6, truncated: false });
    const rowOf = (table: string) => answer.rows.find((row) => row['table'] === table);
    expect(rowOf('log')).toMatchObject({
      rows: 2000,
      kind: 'table',
      size_estimated: false,
      replica_identity: 'default',
    });
    expect(rowOf('whole')).toMatchObject({ unique_constraint: expect.stringMatching(/^whole_a_B/) });
    expect(rowOf('partial')).toMatchObject({ unique_index: 'partial_a', unique_constraint: null });
    expect(rowOf('parted')).toMatchObject({ kind: 'partitioned_table' });
    expect(rowOf('fully')).toMatchObject({ replica_identity: 'full' });
  });

  it('warns of those whose changes fail, then of those that subscribers search, and notes large ones', async () => {
    const answer = await call({ min_rows: 0 });
    expect(objects(answer).slice(0, 3).toSorted()).toEqual([
      'warning "keyless"."parted"',
      'warning "keyless"."partial"',
      'warning "keyless"."whole"',
    ]);
    expect(objects(answer).slice(3)).toEqual([
      'warning "keyless"."fully"',
      'notice "keyless"."log"',
      'notice "keyless"."nullable"',
    ]);
    expect(objects(await call()).slice(3)).toEqual(['notice "keyless"."log"']);
    expect(objects(await call({ warn_size: 8192 }))).toContain('warning "keyless"."log"');
    expect(objects(await call({ min_rows: 2001 }))).toHaveLength(3);
    const log = answer.findings.find(({ object }) => object === '"keyless"."log"');
    const columns = await runAs(clone().superuserUrl, 'analyze keyless.log', log?.next_step ?? '');
    expect(columns[0]).toMatchObject({ attname: 'line', n_distinct: -1 });
  });

  it('is right that changes fail, and that its advice ends that', async () => {
    const url = clone().superuserUrl;
    const changes = ['update keyless.whole set a = a', 'delete from keyless.partial', 'delete from keyless.parted_1'];
    for (const change of changes) await expect(runAs(url, change)).rejects.toThrow(/replica identity/);
    for (const table of ['log', 'nullable', 'fully']) await runAs(url, `delete from keyless.${table} where false`);
    const { findings } = await call();
    const failing = findings.filter(({ claim }) => claim.includes('fail'));
    expect(failing).toHaveLength(3);
    for (const finding of failing) {
      if (finding.object !== '"keyless"."parted"') await follow(url, finding);
      else for (const row of await runAs(url, finding.next_step ?? '')) await runAs(url, String(row['format']));
    }
    for (const change of changes) await runAs(url, change);
    expect((await call()).rows.filter((row) => row['changes_fail'])).toEqual([]);
  });

  it.runIf(cluster.major >= 15)('knows what is published with its schema', async () => {
    await runAs(clone().superuserUrl, 'create publication schemas for tables in schema keys');
    const answer = await call({ schema: 'keys' });
    expect(fieldsOf(answer, 'table', 'publications', 'changes_fail')).toEqual([
      ['no_primary_key', ['schemas'], true],
      ['unique_only', ['schemas'], true],
    ]);
    await runAs(clone().superuserUrl, 'drop publication schemas');
  });

  it('knows a publication of all tables, which leaves out unlogged ones', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema unkeyed',
      'create table unkeyed.logged ()',
      'create unlogged table unkeyed.unlogged ()',
      'create publication everything for all tables',
    );
    const answer = await call({ schema: 'unkeyed' });
    expect(fieldsOf(answer, 'table', 'publications', 'changes_fail')).toEqual([
      ['logged', ['everything'], true],
      ['unlogged', [], false],
    ]);
    await runAs(clone().superuserUrl, 'drop publication everything');
  });

  it('answers at once while a table is locked, and says that its size is an estimate', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table keyless.log in access exclusive mode');
      const startedAt = performance.now();
      const answer = await call();
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows.find((row) => row['table'] === 'log')).toMatchObject({ size_estimated: true, rows: 2000 });
      expect(answer.not_examined).toEqual([expect.objectContaining({ what: 'the exact size of "keyless"."log"' })]);
    });
  });
});
