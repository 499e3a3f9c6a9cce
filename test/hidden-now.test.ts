/** What was visible a moment ago is shown once more only if it still is, whatever has become of it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHiddenData, readHiddenData } from '../src/calls/hidden-data.ts';
import { readHiddenNames } from '../src/calls/hidden-names.ts';
import { mayStillShow } from '../src/calls/hidden-now.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { compileDataRules } from '../src/policy/data-rules.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { openHowdah, runAs, withSession } from './postgres/platform.ts';
import { inSession, targetOf } from './session-kit.ts';

const DATA = {
  deny: ['vault.*', '*.secret_*', '*.*.pin', 'moved.*.code'],
  mask: { 'seen.people.iban': 'last4', 'seen.people.kind': 'redact' },
};
const found = compileDataRules(DATA, 'personas.p.data');
if (found === undefined) throw new Error('there are rules');
const rules = found;

const MADE = [
  'create schema vault',
  'create schema seen',
  'create schema plain',
  'create table vault.base (id integer, code text, mark text)',
  'create table seen.people (id integer, code text, mark text, iban text, kind text)',
  'create table seen.heir () inherits (seen.people)',
  'create table seen.other (id integer, code text, mark text, pin text, iban text)',
  'create view seen.look as select id, code, iban from seen.people',
  'create view seen.over as select id, code from vault.base',
  'create view seen.fake as select id, code, mark from seen.other',
  `create function seen.total() returns integer language sql as 'select 1'`,
  `create type seen.mood as enum ('a')`,
  'create table plain.alone (id integer)',
];

/** Each makes something hidden that was not. */
const CHANGES: Readonly<Record<string, { name: string; columns?: string[]; by: string[] }>> = {
  'a table renamed': { name: 'seen.people', by: ['alter table seen.people rename to secret_people'] },
  'a table moved': { name: 'seen.people', by: ['alter table seen.people set schema vault'] },
  'its schema renamed': {
    name: 'plain.alone',
    by: ['alter schema vault rename to gone', 'alter schema plain rename to vault'],
  },
  'a parent renamed': { name: 'seen.heir', by: ['alter table seen.people rename to secret_people'] },
  'a child of what is hidden': { name: 'seen.people', by: ['alter table seen.people inherit vault.base'] },
  'a grandchild of what is hidden': { name: 'seen.heir', by: ['alter table seen.people inherit vault.base'] },
  'a column renamed': { name: 'seen.people', columns: ['mark'], by: ['alter table seen.people rename mark to pin'] },
  'a column in another way, by a child': {
    name: 'seen.heir',
    columns: ['mark'],
    by: ['alter table seen.people rename mark to pin'],
  },
  'a view over a column that moved': {
    name: 'seen.look',
    columns: ['code'],
    by: ['create schema moved', 'alter table seen.people set schema moved'],
  },
  'a child of a column that moved': {
    name: 'seen.heir',
    columns: ['code'],
    by: ['create schema moved', 'alter table seen.people set schema moved'],
  },
  'a table gone': { name: 'plain.alone', by: ['drop table plain.alone'] },
  'a function moved': { name: 'seen.total', by: ['alter function seen.total() set schema vault'] },
  'a function renamed': { name: 'seen.total', by: ['alter function seen.total() rename to secret_total'] },
  'an enum moved': { name: 'seen.mood', by: ['alter type seen.mood set schema vault'] },
};

describeSomeMajors('what was visible a moment ago', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let pool: Pool;
  beforeAll(async () => {
    await runAs(clone().superuserUrl, ...MADE);
    pool = openPool(targetOf(clone().monitorUrl), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  const oidOf = async (name: string) => {
    const isRelation = !['seen.total', 'seen.mood'].includes(name);
    const oid =
      name === 'seen.total' ? `'seen.total()'::regprocedure` : `'${name}'::${isRelation ? 'regclass' : 'regtype'}`;
    const [row] = await runAs(clone().superuserUrl, `select ${oid}::oid::integer as oid`);
    return { oid: Number(row?.['oid']), isRelation };
  };
  const show = async (
    shown: { oid: number; isRelation: boolean },
    columns: readonly string[],
    schemas: string[] = [],
  ) =>
    inSession(pool, async (session) => {
      // without what the catalogue says, so that nothing but the look of now decides
      const hidden = createHiddenData(rules, []);
      return mayStillShow(session, { rules, hidden }, { shown: [{ ...shown, columns }], schemas });
    });

  it.each(Object.entries(CHANGES))('is not shown when it is %s', async (_, { name, columns = [], by }) => {
    const shown = await oidOf(name);
    expect(await show(shown, columns)).toBe(true);
    await withSession(clone().superuserUrl, async (session) => {
      for (const each of by) await session.query(each);
    });
    expect(await show(shown, columns)).toBe(false);
    await runAs(clone().superuserUrl, 'drop schema if exists vault, seen, plain, gone, moved cascade', ...MADE);
  });

  it('is shown as long as it is what it was, a view over hidden data too', async () => {
    for (const [name, columns] of [
      ['seen.people', ['id', 'mark']],
      ['seen.heir', ['id', 'mark']],
      ['seen.over', ['id', 'code']],
      ['seen.fake', ['id', 'mark']],
      ['seen.total', []],
      ['seen.mood', []],
    ] as const) {
      expect({ name, shows: await show(await oidOf(name), columns, ['seen']) }).toEqual({ name, shows: true });
    }
    expect(await show(await oidOf('seen.people'), ['no_such'])).toBe(false);
    expect(await show(await oidOf('seen.people'), [], ['no_such'])).toBe(false);
  });

  it('hides by the look of now what a whole reading hides', async () => {
    const names = await inSession(pool, (session) => readHiddenNames(session, rules));
    const columns = names.filter(({ kind, schema }) => kind === 'column' && schema === 'seen');
    expect(columns.map(({ table, name }) => `${table}.${name}`)).toEqual(['other.pin']);
    for (const { oid, name } of columns) expect(await show({ oid, isRelation: true }, [name])).toBe(false);
    const hidden = await inSession(pool, (session) => readHiddenData(session, rules));
    const shown = { ...(await oidOf('seen.look')), columns: ['iban'] };
    const decide = (known: typeof hidden) =>
      inSession(pool, (session) => mayStillShow(session, { rules, hidden: known }, { shown: [shown], schemas: [] }));
    expect(await decide(hidden)).toBe(true); // known to be masked
    expect(await decide(createHiddenData(rules, []))).toBe(false); // masked since
  });

  it('is in no answer of search_schema, though nothing has told of the change', { timeout: 60_000 }, async () => {
    const howdah = await openHowdah(clone().monitorUrl, 'ruled', (config) => ({
      ...config,
      personas: {
        ruled: PersonaSpec.parse({ tools: { allow: ['*'] }, data: DATA, limits: { calls_per_minute: 10_000 } }),
      },
    }));
    const find = async (query: string) => (await howdah.call('search_schema', { query, schema: 'seen' })).rows;
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('create table seen.told (id integer)');
      await expect.poll(() => find('told'), { timeout: 15_000 }).toHaveLength(1);
      // less than a second after the last time, a session keeps to itself what it has written
      for (const [from, to] of [
        ['people', 'secret_people'],
        ['other', 'secret_other'],
      ]) {
        await session.query(`create table seen.told_${from} (id integer)`);
        expect((await find(`${from}`)).map(({ name }) => name)).toContain(from);
        await session.query(`alter table seen.${from} rename to ${to}`);
        for (const query of [`${from}`, `${to}`, '']) {
          expect((await find(query)).map(({ name }) => name)).not.toContain(from);
          expect((await find(query)).map(({ name }) => name)).not.toContain(to);
        }
      }
      expect((await find('people')).map(({ name }) => name)).not.toContain('heir');
    });
    await howdah.close();
  });
});
