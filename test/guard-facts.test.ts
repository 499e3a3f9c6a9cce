/** What PostgreSQL's catalogue says of the names in a statement, and what the rules of a persona make of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allReaches } from '../src/guard/all-reaches.ts';
import type { CatalogFacts } from '../src/guard/facts.ts';
import { readFacts } from '../src/guard/read-facts.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { parser, readDefinitions, referencesIn } from './guard-definitions.ts';
import { callerUrl, guardFixture } from './guard-fixture.ts';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { inSession, targetOf } from './session-kit.ts';

afterAll(() => parser.close());

describeSomeMajors('what the catalogue says', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let pool: Pool;
  beforeAll(async () => {
    await runSql(cluster, clone().name, guardFixture(cluster.major));
    pool = openPool(targetOf(callerUrl(clone())), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  const factsOf = async (text: string, path = ['pg_catalog', 'app']): Promise<CatalogFacts> => {
    const references = await referencesIn(text);
    return inSession(pool, (session) => readFacts(session, path, references, readDefinitions));
  };

  /** What a statement reaches beyond its own names, as `schema.name`, without what is of `pg_catalog`. */
  const reached = async (text: string, path?: string[]) => {
    const facts = await factsOf(text, path);
    const all = allReaches(await referencesIn(text), facts);
    const names = (kind: 'relations' | 'functions' | 'operators' | 'types') =>
      [
        ...new Set(
          all.flatMap((reach) =>
            reach[kind].filter(({ schema }) => schema !== 'pg_catalog').map(({ schema, name }) => `${schema}.${name}`),
          ),
        ),
      ].toSorted();
    return {
      relations: names('relations'),
      functions: names('functions'),
      operators: names('operators'),
      types: names('types'),
    };
  };

  const nothing = { relations: [], functions: [], operators: [], types: [] };

  describe('of relations', () => {
    it('finds the first on the path, and one with its schema anywhere', async () => {
      const name = { schema: undefined, name: 'twice' };
      for (const [path, schema] of [
        [['pg_catalog', 'early', 'app'], 'early'],
        [['pg_catalog', 'app', 'early'], 'app'],
      ] as const) {
        expect((await factsOf('select * from twice', [...path])).relation(name)?.schema).toBe(schema);
      }
      const facts = await factsOf('select * from hr.salaries, pg_class', ['pg_catalog']);
      expect(facts.relation({ schema: 'hr', name: 'salaries' })).toMatchObject({ kind: 'table', isSystem: false });
      expect(facts.relation({ schema: undefined, name: 'pg_class' })).toMatchObject({
        schema: 'pg_catalog',
        isSystem: true,
      });
      expect(facts.relation({ schema: undefined, name: 'salaries' })).toBeUndefined();
    });

    it('passes over schemas of the path that the login may not use, as PostgreSQL does', async () => {
      const facts = await factsOf('select * from twice', ['pg_catalog', 'closed', 'app']);
      expect(facts.relation({ schema: undefined, name: 'twice' })?.schema).toBe('app');
    });

    it('takes names as they are, with capitals, blanks and quotes', async () => {
      const facts = await factsOf('select * from "Odd Schema"."Odd ""Table"""');
      expect(facts.relation({ schema: 'Odd Schema', name: 'Odd "Table"' })?.columns).toMatchObject([
        { name: 'Col A', number: 1, typeOid: 23 },
        { name: 'select', number: 2, typeOid: 25 },
      ]);
    });

    it('knows parents and children of all levels, and other parents of children', async () => {
      const facts = await factsOf('select * from child, parts, parts_a_2024_1, other_parent, parts_b');
      const family = (name: string) => {
        const relation = facts.relation({ schema: undefined, name });
        const named = (oids: readonly number[] = []) =>
          oids.map((oid) => facts.relationByOid(oid)?.name ?? '').toSorted();
        return [named(relation?.family), named(relation?.descendants)];
      };
      expect(family('child')).toEqual([['grandchild', 'parent'], ['grandchild']]);
      const parts = ['parts_a', 'parts_a_2024', 'parts_a_2024_1', 'parts_b', 'parts_c'];
      expect(family('parts')).toEqual([parts, parts]);
      expect(family('parts_a_2024_1')).toEqual([['parts', 'parts_a', 'parts_a_2024'], []]);
      expect(family('other_parent')).toEqual([['parent', 'two_parents'], ['two_parents']]);
      expect(family('parts_b')).toEqual([['parts'], []]);
    });

    it('tells rules for writes, programs behind foreign tables and columns that are generated', async () => {
      const facts = await factsOf('select * from ruled, ft_program, ft_file, computed, users');
      const of = (name: string) => facts.relation({ schema: undefined, name });
      expect(of('ruled')?.hasWriteRules).toBe(true);
      expect(of('users')?.hasWriteRules).toBe(false);
      expect(of('ft_program')).toMatchObject({ kind: 'foreign table', runsProgram: true });
      expect(of('ft_file')).toMatchObject({ kind: 'foreign table', runsProgram: false });
      expect(of('computed')?.columns.map(({ generatedFrom }) => generatedFrom)).toEqual([[], [], ['name'], []]);
    });

    it('leaves dropped columns out', async () => {
      const facts = await factsOf('select * from dropped');
      expect(facts.relation({ schema: undefined, name: 'dropped' })?.columns).toMatchObject([{ name: 'b', number: 2 }]);
    });
  });

  describe('of what is reached', () => {
    it.each([
      ['a table', 'select * from users', nothing],
      [
        'views of views',
        'select * from v3',
        { ...nothing, relations: ['app.orders', 'app.users', 'app.v1', 'app.v2'], functions: ['app.by_view'] },
      ],
      [
        'the rows of a materialized view, and no functions',
        'select * from mv',
        { ...nothing, relations: ['app.users'] },
      ],
      [
        'policies for the login',
        'select * from secured',
        { ...nothing, relations: ['hr.salaries'], functions: ['app.by_policy'] },
      ],
      [
        'policies for others behind their view',
        'select * from v_secured',
        { ...nothing, relations: ['app.secured', 'hr.salaries'], functions: ['app.by_policy', 'app.by_view'] },
      ],
      [
        'operators that a view names',
        'select * from v_planted',
        { ...nothing, relations: ['app.orders', 'app.users'], operators: ['planted.='] },
      ],
      ['a view that reads itself', 'select * from v_rec', nothing],
      [
        'checks of domains in composites, arrays and ranges',
        'select * from typed',
        {
          ...nothing,
          functions: ['app.by_check', 'planted.to_text'],
          types: ['app._checked', 'app.checked', 'app.mood', 'app.narrow', 'app.pair', 'app.span'],
        },
      ],
      [
        'checks of a type that is named',
        'select null::pair',
        { ...nothing, functions: ['app.by_check'], types: ['app.checked', 'app.narrow'] },
      ],
      ['casts of users', "select 'good'::mood", { ...nothing, functions: ['planted.to_text'] }],
    ])('has those of %s', async (_, text, expected) => {
      expect(await reached(text)).toEqual(expected);
    });

    it.runIf(cluster.major >= 18)('has what a virtual column calls', async () => {
      expect(await reached('select * from virtual')).toEqual(nothing);
      expect(
        (await factsOf('select * from virtual')).relation({ schema: undefined, name: 'virtual' })?.reaches,
      ).toMatchObject([{ through: 'default', functions: [{ schema: 'pg_catalog', name: 'lower' }] }]);
    });

    it.runIf(cluster.major >= 15)('has what a view reads as its caller', async () => {
      expect((await reached('select * from v_invoker')).functions).toContain('app.by_policy');
    });
  });

  describe('of functions and operators', () => {
    it('has every overload on the path, and none of elsewhere', async () => {
      const lower = { schema: undefined, name: 'lower' };
      const all = (await factsOf("select lower('X')", ['pg_catalog', 'planted'])).functions(lower);
      expect(all.filter(({ isBuiltIn }) => isBuiltIn).map(({ arguments: types }) => types)).toEqual(
        expect.arrayContaining([['pg_catalog.text'], ['pg_catalog.anyrange']]),
      );
      expect(all.filter(({ isBuiltIn }) => !isBuiltIn)).toMatchObject([
        {
          schema: 'planted',
          arguments: ['pg_catalog.varchar'],
          language: 'sql',
          volatility: 'immutable',
          takesRow: false,
        },
      ]);
      expect((await factsOf("select lower('X')")).functions(lower).every(({ isBuiltIn }) => isBuiltIn)).toBe(true);
      expect(
        (await factsOf("select pg_catalog.lower('X')", ['pg_catalog', 'planted']))
          .functions({ schema: 'pg_catalog', name: 'lower' })
          .every(({ isBuiltIn }) => isBuiltIn),
      ).toBe(true);
    });

    it('has the functions behind operators', async () => {
      const path = ['pg_catalog', 'planted'];
      const facts = await factsOf("select 'a' = 'b', - 'x'", path);
      const users = (name: string) =>
        facts.operators({ schema: undefined, name }).filter(({ isBuiltIn }) => !isBuiltIn);
      expect(users('=')).toMatchObject([{ schema: 'planted', name: 'same' }]);
      expect(users('-')).toMatchObject([{ schema: 'planted', name: 'negated' }]);
      expect(facts.operators({ schema: undefined, name: '=' }).map(({ name }) => name)).toContain('texteq');
    });

    it('knows which take a row, so that u.f calls them', async () => {
      const facts = await factsOf(
        'select of_row(u), of_two(u), plain($1), row_to_json(u), lower($2), count(u) from users u',
      );
      const takesRow = (name: string) => facts.functions({ schema: undefined, name }).some((each) => each.takesRow);
      expect(['of_row', 'of_two', 'plain', 'row_to_json', 'lower', 'count'].map(takesRow)).toEqual([
        true,
        true,
        false,
        true,
        false,
        true,
      ]);
    });

    it('names the extension that owns a function', async () => {
      const facts = await factsOf('select ext.pg_stat_statements(true), file_fdw_handler()', ['pg_catalog', 'public']);
      expect(facts.functions({ schema: 'ext', name: 'pg_stat_statements' })).toMatchObject([
        { extension: 'pg_stat_statements' },
      ]);
      expect(facts.functions({ schema: undefined, name: 'file_fdw_handler' })).toMatchObject([
        { extension: 'file_fdw' },
      ]);
    });
  });
});
