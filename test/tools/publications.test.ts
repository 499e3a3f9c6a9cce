import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { quoteIdentifier, quoteName } from '../../src/tools/kit/index.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Login,
  type Row,
} from '../postgres/platform.ts';
import { follow, objects } from './advice.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.sql`, import.meta.url), 'utf8');

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

const NO_IDENTITY = [
  'Mixed "Case"',
  'could_have',
  'deferrable_key',
  'lost_index',
  'no_key',
  'nothing_identity',
  'nullable_unique',
  'only_deletes',
  'parted_bare',
];

describeEachMajor('publications', (cluster) => {
  const since15 = cluster.major >= 15;
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  beforeAll(async () => {
    await runAs(clone().superuserUrl, fixture('publications'));
    if (since15) await runAs(clone().superuserUrl, fixture('publications-15'));
    if (cluster.major >= 18) await runAs(clone().superuserUrl, fixture('publications-18'));
  });

  it.each(loginsOf(cluster))('lists what each publication publishes, for %s', async (login) => {
    const { rows } = await howdah(login).call('publications');
    const named = (name: string) => rows.find(({ publication }) => publication === name);
    expect(named('changes')).toMatchObject({
      owner: 'postgres',
      all_tables: false,
      tables: 12,
      updates: true,
      via_root: false,
      row_filters: 0,
    });
    expect(named('inserts')).toMatchObject({ tables: 2, inserts: true, updates: false, deletes: false });
    expect(named('empty')).toMatchObject({ tables: 0, schemas: null });
    expect(named('we.ird "Name"')).toMatchObject({ tables: 1, inserts: false, deletes: true });
    expect(named('changes')?.['generated_columns']).toBe(cluster.major >= 18 ? 'none' : null);
    if (!since15) return;
    expect(named('filters')).toMatchObject({ tables: 3, row_filters: 3, column_lists: 0 });
    expect(named('lists')).toMatchObject({ tables: 3, row_filters: 0, column_lists: 3 });
    expect(named('roots')).toMatchObject({ tables: 1, via_root: true });
    expect(named('schemas')).toMatchObject({ tables: 2, schemas: ['pub_schema'] });
  });

  const failingOf = async (login: Login) => {
    const answer = await howdah(login).call('publications', { limit: 100 });
    expect(answer['total_failing']).toBe(listOf(answer, 'failing').length);
    return listOf(answer, 'failing');
  };

  it('names the tables whose UPDATE and DELETE PostgreSQL refuses, and no other', async () => {
    const tables = await runAs(
      clone().superuserUrl,
      `select n.nspname as schema, c.relname as table, (select min(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as column
         from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 'pub%' and c.relkind = 'r'`,
    );
    const refused: string[] = [];
    for (const { schema, table, column } of tables as Record<'schema' | 'table' | 'column', string>[]) {
      const name = quoteName(schema, table);
      const refuses = (statement: string) =>
        runAs(clone().superuserUrl, statement).then(
          () => '',
          (reason: unknown) => String(reason),
        );
      const errors = [
        await refuses(`update ${name} set ${quoteIdentifier(column)} = ${quoteIdentifier(column)}`),
        await refuses(`delete from ${name}`),
      ];
      expect(errors.join()).toMatch(/^(error: cannot update table .*)?,(error: cannot delete from table .*)?$/);
      if (errors.join() !== ',') refused.push([name, ...errors.map((error) => error !== '')].join(' '));
    }
    expect(refused.length).toBeGreaterThanOrEqual(NO_IDENTITY.length);
    for (const login of LOGINS) {
      const failing = (await failingOf(login)).map(({ schema, table, updates, deletes }) =>
        [quoteName(String(schema), String(table)), updates, deletes].join(' '),
      );
      expect(failing.toSorted()).toEqual(refused.toSorted());
    }
  });

  it.each(loginsOf(cluster))('says what each of them lacks, for %s', async (login) => {
    const failing = await failingOf(login);
    const those = (problem: string) => failing.filter((row) => row['problem'] === problem).map(({ table }) => table);
    expect(those('no_identity')).toEqual(
      since15 ? [...NO_IDENTITY.slice(0, 4), 'mixed_bare', ...NO_IDENTITY.slice(4), 'bare'] : NO_IDENTITY,
    );
    expect(those('row_filter')).toEqual(since15 ? ['filtered_other', 'filtered_root_eu'] : []);
    expect(those('column_list')).toEqual(since15 ? ['list_with_full', 'list_without_key'] : []);
    expect(those('generated_column')).toEqual(cluster.major >= 18 ? ['generated_full', 'generated_key'] : []);
    const lacks = (table: string) => failing.find((row) => row['table'] === table);
    expect(lacks('no_key')).toMatchObject({ publications: ['changes'], primary_key: false, candidate: null });
    expect(lacks('could_have')).toMatchObject({ replica_identity: 'default', candidate: 'could_have_a' });
    expect(lacks('nullable_unique')).toMatchObject({ candidate: null });
    expect(lacks('nothing_identity')).toMatchObject({ replica_identity: 'nothing', primary_key: true });
    expect(lacks('deferrable_key')).toMatchObject({ primary_key: false });
    expect(lacks('lost_index')).toMatchObject({ replica_identity: 'index', identity: null });
    expect(lacks('filtered_root_eu')?.['identity']).toEqual(since15 ? ['id'] : undefined);
  });

  it('finds them, and a publication without tables', async () => {
    const { findings } = await howdah('monitor').call('publications');
    const gathered = findings.find(({ claim }) => claim.includes('without a replica identity'));
    expect(gathered).toMatchObject({ severity: 'warning', evidence: { count: since15 ? 11 : 9 } });
    expect(gathered?.evidence[since15 ? 'first' : 'all']).toContain('"pub"."Mixed ""Case"""');
    expect(findings.filter(({ object }) => object === '"empty"')).toMatchObject([
      { severity: 'notice', claim: 'The publication "empty" has no tables, so that its subscribers get nothing.' },
    ]);
    expect(findings).toHaveLength(2 + (since15 ? 4 : 0) + (cluster.major >= 18 ? 2 : 0));
  });

  it.runIf(since15)('shows row filters and lists of columns, and partitions as their table', async () => {
    const tables = listOf(await howdah('plain').call('publications', { limit: 100 }), 'tables');
    const published = (publication: string) =>
      tables
        .filter((row) => row['publication'] === publication)
        .map(({ table, columns, row_filter, via, partitioned }) => [table, columns, row_filter, via, partitioned]);
    expect(published('filters')).toEqual([
      ['filtered_full', null, '(region IS NOT NULL)', 'table', false],
      ['filtered_key', null, '((id > 10) AND (id < 1000))', 'table', false],
      ['filtered_other', null, "(region = 'eu'::text)", 'table', false],
    ]);
    expect(published('lists')).toEqual([
      ['list_with_full', ['id'], null, 'table', false],
      ['list_without_key', ['b'], null, 'table', false],
      ['listed', ['id', 'b'], null, 'table', false],
    ]);
    expect(published('roots')).toEqual([
      ['filtered_root', null, "(region = ANY (ARRAY['eu'::text, 'us'::text]))", 'table', true],
    ]);
    expect(published('schemas').map(([table, , , via]) => [table, via])).toEqual([
      ['bare', 'schema'],
      ['keyed', 'schema'],
    ]);
  });

  it('waits for no lock on a published table', async () => {
    await withSession(clone().superuserUrl, async (holder) => {
      const table = since15 ? 'pub.filtered_key' : 'pub.keyed';
      await holder.query(`begin; lock table ${table} in access exclusive mode`);
      const started = performance.now();
      const answer = await howdah('monitor').call('publications', { limit: 100 });
      expect(performance.now() - started).toBeLessThan(5000);
      expect(listOf(answer, 'failing').length).toBeGreaterThanOrEqual(NO_IDENTITY.length);
      const filters = listOf(answer, 'tables').filter(({ publication }) => publication === 'filters');
      expect(filters.map(({ row_filter }) => row_filter !== null)).toEqual(since15 ? [true, false, true] : []);
      const gaps = answer.not_examined?.map(({ what }) => what);
      expect(gaps).toEqual(since15 ? ['the row filters of 1 table'] : undefined);
    });
  });

  it('gives the replica identity that there can be', async () => {
    await runAs(
      clone().superuserUrl,
      'alter publication changes set table pub.could_have, pub.nothing_identity, pub.no_key, pub.keyed',
      'drop publication if exists deletes, filters, lists, roots, schemas, mixed, generated',
    );
    const { findings } = await howdah('monitor').call('publications');
    expect(objects({ findings } as Answer)).toEqual([
      'warning "pub"."could_have"',
      'warning "pub"."no_key"',
      'warning "pub"."nothing_identity"',
      'notice "empty"',
    ]);
    for (const finding of findings) await follow(clone().superuserUrl, finding);
    // where a table has neither a key nor an index, whole rows in WAL are left to people
    const left = await failingOf('monitor');
    expect(left.map(({ table }) => table)).toEqual(['no_key']);
  });

  it('publishes all tables, and says of what those are', async () => {
    await runAs(clone().superuserUrl, 'create publication everything for all tables');
    const answer = await howdah('plain').call('publications', { limit: 3 });
    const everything = answer.rows.find(({ publication }) => publication === 'everything');
    const [{ tables } = {}] = await runAs(
      clone().superuserUrl,
      `select count(*)::int as tables from pg_class c where c.oid >= 16384 and c.relpersistence = 'p' and c.relnamespace::regnamespace::text like 'pub%'
          and (c.relkind = 'r' and not (c.relispartition and ${cluster.major >= 13}) or c.relkind = 'p' and ${cluster.major >= 13})`,
    );
    expect(everything).toMatchObject({ all_tables: true, tables });
    expect(answer).toMatchObject({ truncated: true });
    expect(listOf(answer, 'tables')).toHaveLength(3);
    expect(Number(answer['total_failing'])).toBeGreaterThan(3);
  });
});

const name = (prefix: string) => quoteIdentifier(`${prefix}x"'\\\n; DROP TABLE planted; --`);

/** What PostgreSQL would run: without names, constants and comments. */
function runnable(statements: string): string {
  return statements.replaceAll(/\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*/gs, ' ');
}

describeEachMajor('hostile names of what is published', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it('stay names in what is advised', async () => {
    const [bare, indexed, filtered] = ['b', 'i', 'f'].map((prefix) => `public.${name(prefix)}`);
    await runAs(
      clone().superuserUrl,
      `create table ${bare} (${name('c')} integer)`,
      `create table ${indexed} (${name('c')} integer not null)`,
      `create unique index ${name('u')} on ${indexed} (${name('c')})`,
      `create table ${filtered} (id integer primary key, ${name('c')} integer)`,
      `create publication ${name('p')} for table ${bare}, ${indexed}`,
      `create publication ${name('q')} for table ${filtered}${cluster.major >= 15 ? ` where (${name('c')} > 1)` : ''}`,
      `create publication ${name('e')}`,
      `create subscription ${name('s')} connection 'host=127.0.0.1 port=1' publication ${name('p')} with (connect = false, slot_name = none)`,
    );
    const answers = [await howdah('monitor').call('publications'), await howdah('monitor').call('subscriptions')];
    const steps = answers.flatMap(({ findings }) => findings.flatMap(({ next_step }) => next_step ?? []));
    expect(steps.filter((step) => step.includes('DROP TABLE planted')).length).toBe(cluster.major >= 15 ? 4 : 3);
    for (const step of steps) expect(runnable(step)).not.toMatch(/planted/);
    await runAs(clone().superuserUrl, `drop subscription ${name('s')}`);
  });
});

describeEachStandby('publications of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(() => clone().standby ?? clone());

  it('are those of its primary', async () => {
    await runAs(clone().superuserUrl, fixture('publications'));
    await caughtUp(cluster);
    const answer = await howdah('plain').call('publications');
    expect(answer.rows.map(({ publication }) => publication)).toEqual([
      'changes',
      'deletes',
      'empty',
      'inserts',
      'we.ird "Name"',
    ]);
    expect(listOf(answer, 'failing').map(({ table }) => table)).toEqual(NO_IDENTITY);
  });
});
