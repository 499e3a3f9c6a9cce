/** What the rules of a persona make of the relations that a statement reaches. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataAccess } from '../src/guard/access.ts';
import { createGuard } from '../src/guard/create-guard.ts';
import { judgeRelations, type ReachedRelations } from '../src/guard/judge-relations.ts';
import { readFacts } from '../src/guard/read-facts.ts';
import { disclosureOf } from '../src/guard/system-relations.ts';
import type { Refusal } from '../src/guard/verdict.ts';
import { compileDataRules } from '../src/policy/data-rules.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { useDefinitions } from './guard-definitions.ts';
import { callerUrl, guardFixture } from './guard-fixture.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, describeSomeMajors } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { inSession, targetOf } from './session-kit.ts';

const definitions = useDefinitions();

interface Rules {
  readonly deny?: string[];
  readonly mask?: Record<string, string>;
  readonly grant?: string[];
}

function accessBy({ deny = [], mask = {}, grant = [] }: Rules): DataAccess {
  const rules = compileDataRules({ deny, mask }, 'personas.p.data');
  return {
    hides: rules !== undefined,
    relation: (schema, name) => rules?.relation(schema, name) ?? { access: 'visible' },
    column: (schema, relation, column) => rules?.column(schema, relation, column) ?? { access: 'visible' },
    grantsRelation: (schema, name) => grant.includes(`${schema}.${name}`),
    grantsFunction: () => false,
  };
}

describeSomeMajors('the relations of a statement', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  let pool: Pool;
  beforeAll(async () => {
    await runSql(cluster, clone().name, guardFixture(cluster.major));
    pool = openPool(targetOf(callerUrl(clone())), { permits: createPermits(1) });
  });
  afterAll(() => pool.close());

  const judge = async (text: string, rules: Rules = {}): Promise<Refusal | ReachedRelations> => {
    const references = await definitions.referencesIn(text);
    const path = ['pg_catalog', 'app'];
    const facts = await inSession(pool, (session) => readFacts(session, path, references, definitions.read));
    return judgeRelations(references, facts, accessBy(rules));
  };
  const ruleFor = async (text: string, rules?: Rules) => {
    const verdict = await judge(text, rules);
    return 'rule' in verdict ? verdict.rule : undefined;
  };
  const reachedBy = async (text: string, rules?: Rules) => {
    const verdict = await judge(text, rules);
    return 'rule' in verdict ? verdict : verdict.relations.map(({ name }) => name).toSorted();
  };

  describe('where nothing is hidden', () => {
    it.each([
      ['select * from users, orders', ['orders', 'users']],
      ['select * from v3', ['orders', 'users', 'v1', 'v2', 'v3']],
      ['select * from mv_salaries', ['mv_salaries', 'salaries']],
      ['select * from pg_class, pg_stat_activity, pg_stats', []],
      ['select last_value from counter', ['counter']],
      ['select * from child', ['child', 'grandchild']],
      ['select * from only child', ['child']],
    ])('%s reaches %j', async (text, names) => {
      expect(await reachedBy(text)).toEqual(names);
    });

    it.each([
      ['select * from nowhere', 'relation/unknown'],
      ['select * from users_name', 'relation/kind'],
      ['select * from pair', 'relation/kind'],
      ['select * from pg_authid', 'relation/credentials'],
      ['select * from v_roles', 'relation/credentials'],
      ['select * from information_schema.user_mapping_options', 'relation/credentials'],
      ['select * from ft_file', 'relation/foreign'],
      ['select * from v_foreign', 'relation/foreign'],
      ['select * from parts', 'relation/foreign'],
      ['select * from parts_c', 'relation/foreign'],
    ])('refuses %s by %s', async (text, rule) => {
      expect(await ruleFor(text)).toBe(rule);
    });

    it('reads a foreign table that was granted, also through a view and as a partition', async () => {
      const grant = ['app.ft_remote', 'app.parts_c', 'app.ft_program'];
      for (const text of ['ft_remote', 'v_foreign', 'parts', 'only parts', 'parts_a']) {
        expect(await ruleFor(`select * from ${text}`, { grant })).toBeUndefined();
      }
      expect(await ruleFor('select * from ft_file', { grant })).toBe('relation/foreign');
    });

    it('never reads a foreign table that runs a program', async () => {
      const grant = ['app.ft_program', 'app.v_program'];
      for (const name of ['ft_program', 'v_program']) {
        const verdict = await judge(`select * from ${name}`, { grant });
        expect(verdict).toMatchObject({
          rule: 'relation/foreign',
          reason: 'Reading app.ft_program runs a program.',
          at: 14,
        });
      }
    });

    it('explains writing to a table without rules of users only', async () => {
      expect(await ruleFor('explain insert into orders values (1)')).toBeUndefined();
      expect(await ruleFor('explain insert into ruled values (1)')).toBe('relation/rules');
      expect(await ruleFor('explain insert into v_ruled values (1)')).toBe('relation/rules');
      expect(await ruleFor('select * from ruled')).toBeUndefined();
    });
  });

  describe('where something is hidden', () => {
    const deny = ['hr.*'];
    const mask = { 'app.users.email': 'redact' };

    it('says the same of a relation that is hidden and of one that is not there', async () => {
      const [hidden, absent] = await Promise.all([
        judge('select * from hr.salaries', { deny }),
        judge('select * from hr.salaryes', { deny }),
      ]);
      const text = JSON.stringify(hidden);
      expect(hidden).toMatchObject({ rule: 'relation/unknown', at: 14 });
      expect(text.replace('salaries', 'salaryes')).toBe(JSON.stringify(absent));
    });

    it.each([
      ['a view over a hidden table', 'v_salaries', { deny }, 'relation/view'],
      ['a materialized view over one', 'mv_salaries', { deny }, 'relation/view'],
      ['a view of views over a table with a mask', 'v3', { mask }, 'relation/view'],
      ['a view over a table with a hidden column', 'v1', { deny: ['app.users.email'] }, 'relation/view'],
      ['a materialized view over a table with a mask', 'mv', { mask }, 'relation/view'],
      ['a view over statistics', 'v_stats', { mask }, 'relation/view'],
      ['statistics', 'pg_stats', { mask }, 'relation/statistics'],
      ['sessions', 'pg_stat_activity', { mask }, 'relation/statistics'],
      ['the catalogue', 'pg_class', { mask }, 'relation/catalogue'],
      ['the information schema', 'information_schema.columns', { mask }, 'relation/catalogue'],
      ['a sequence', 'counter', { mask }, 'relation/kind'],
      ['the parent of a hidden table', 'parent', { deny: ['app.grandchild'] }, 'relation/unknown'],
      ['the child of a hidden table', 'grandchild', { deny: ['app.parent'] }, 'relation/unknown'],
      ['the other parent of its child', 'other_parent', { deny: ['app.parent'] }, 'relation/unknown'],
      ['a parted table with a hidden partition', 'parts', { deny: ['app.parts_a_2024_1'] }, 'relation/unknown'],
      ['a partition of a hidden table', 'parts_a_2024_1', { deny: ['app.parts'] }, 'relation/unknown'],
      ['a masked table that is sampled', 'users tablesample system (10)', { mask }, 'relation/sampled'],
      ['a view that was granted', 'v_salaries', { deny, grant: ['app.v_salaries'] }, undefined],
      ['a view over views that were granted', 'v3', { mask, grant: ['app.v1'] }, undefined],
      ['a table whose policy reads a hidden one', 'secured', { deny }, undefined],
      ['what is open', 'orders, pg_settings', { deny, mask }, undefined],
    ] as const)('SQ-18: judges %s', async (_, from, rules, rule) => {
      expect(await ruleFor(`select * from ${from}`, rules as Rules)).toBe(rule);
    });

    it('says the same, whatever the hidden relation has in it and calls', async () => {
      const texts = openStatementTexts();
      const guard = createGuard(texts);
      const access = accessBy({ deny: ['app.v1'] });
      const check = (sql: string) =>
        inSession(pool, (session) =>
          guard.check({ sql, access, catalog: { session, path: ['pg_catalog', 'app'], key: 'hidden' } }),
        );
      const [hidden, absent] = [await check('select x.of_row from v1 x'), await check('select x.of_row from vx x')];
      await texts.close();
      expect(hidden).toMatchObject({ rule: 'relation/unknown' });
      expect(JSON.stringify(hidden).replace('v1', 'vx')).toBe(JSON.stringify(absent));
    });

    it('names the view that was asked for, and nothing behind it', async () => {
      const verdict = await judge('select * from v_salaries', { deny });
      expect(verdict).toMatchObject({ reason: 'app.v_salaries reads what is hidden from you.' });
      expect(JSON.stringify(verdict)).not.toContain('hr');
    });

    it('refuses a query in WITH that has the name of what is hidden, whether that is there or not', async () => {
      const hidden = { deny: ['app.secrets', '*.absent'], mask };
      for (const name of ['users', 'secrets', 'absent']) {
        expect(await ruleFor(`with ${name} as (select 1) select * from ${name}`, hidden)).toBe('relation/cte-name');
      }
      expect(await ruleFor('with orders as (select 1) select * from orders', hidden)).toBeUndefined();
    });

    it('explains no change of a table with hidden columns', async () => {
      expect(await ruleFor("explain delete from users where email like 'a%'", { mask })).toBe('relation/target');
      expect(await ruleFor('explain delete from orders', { mask })).toBeUndefined();
    });

    it('refuses TOAST tables as if they were not there', async () => {
      const { rows } = await runSql(
        cluster,
        clone().name,
        `select reltoastrelid::regclass::text as name from pg_class where oid = 'app.users'::regclass`,
      );
      const { name } = rows[0] as { name: string };
      expect(await ruleFor(`select * from ${name}`, { mask })).toBe('relation/unknown');
      expect(await ruleFor(`select * from ${name}`)).toBe('relation/kind');
    });
  });
});

describeEachMajor('the relations of PostgreSQL itself', (cluster) => {
  it('are all reviewed for what they tell', async () => {
    const { rows } = await runSql(
      cluster,
      'postgres',
      `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid < 16384 and c.relkind not in ('i', 'I', 't') and n.nspname <> 'pg_toast'`,
    );
    const unknown = (rows as { schema: string; name: string }[]).filter(
      ({ schema, name }) => disclosureOf(schema, name) === undefined,
    );
    expect(rows.length).toBeGreaterThan(150);
    expect(unknown).toEqual([]);
  });
});
