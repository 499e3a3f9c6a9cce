/** Security tools where others have planted names and objects, or changed the catalogs under them. */
import { expect, it } from 'vitest';
import { renderAnswer } from '../../src/render/answer.ts';
import { quoteIdentifier } from '../../src/tools/kit/index.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { useClusterAlone } from '../postgres/sessions.ts';
import { fieldsOf } from './advice.ts';
import { dropRoles } from './plant-security.ts';

const TOOLS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['security_audit', {}],
  ['roles', { name: 'x' }],
  ['privileges', {}],
  ['privileges', { table: 'shop.Order', role: 'plain' }],
  ['privileges', { function: 'shop.order_total', role: 'plain' }],
  ['privileges', { schema: 'shop', role: 'plain' }],
  ['encrypted_connections', {}],
  ['row_security', { name: 'policy' }],
  ['security_definer_functions', { name: 'definer' }],
  ['configuration_review', {}],
];

const raises = (signature: string, returns: string) =>
  `create function public.${signature} returns ${returns} language plpgsql as $$ begin raise exception 'a planted function ran'; end $$`;

/** Better matches for unqualified calls than what pg_catalog has, or in front of it on the path. */
const LOOK_ALIKES = [
  raises('acldefault("char", oid)', 'aclitem[]'),
  raises('pg_get_userbyid(oid)', 'name'),
  raises('pg_has_role(oid, oid, text)', 'boolean'),
  raises('has_table_privilege(text, text)', 'boolean'),
  raises('has_table_privilege(oid, oid, text)', 'boolean'),
  raises('has_any_column_privilege(oid, oid, text)', 'boolean'),
  raises('has_schema_privilege(oid, oid, text)', 'boolean'),
  raises('has_function_privilege(oid, oid, text)', 'boolean'),
  raises('oidvectortypes(oidvector)', 'text'),
  raises('split_part(text, text, integer)', 'text'),
  raises('starts_with(text, text)', 'boolean'),
  raises('strpos(text, text)', 'integer'),
  raises('substr(text, integer)', 'text'),
  raises('quote_ident(text)', 'text'),
  raises('quote_ident(name)', 'text'),
  raises('to_json(name[])', 'json'),
  raises('to_json(text[])', 'json'),
  raises('isfinite(timestamptz)', 'boolean'),
  raises('shobj_description(oid, name)', 'text'),
  raises('unnest(oid[])', 'setof oid'),
  raises('unnest(text[])', 'setof text'),
  raises('host(inet)', 'text'),
  raises('now()', 'timestamptz'),
  raises('pg_get_expr(pg_node_tree, oid)', 'text'),
  raises('regexp_replace(text, text, text)', 'text'),
  raises('pg_is_in_recovery()', 'boolean'),
  raises('planted_like(name, text)', 'boolean'),
  raises('planted_subnet(inet, inet)', 'boolean'),
  'create operator public.~ (leftarg = name, rightarg = text, function = public.planted_like)',
  'create operator public.= (leftarg = name, rightarg = text, function = public.planted_like)',
  'create operator public.<<= (leftarg = inet, rightarg = inet, function = public.planted_subnet)',
  ...[
    'pg_roles',
    'pg_authid',
    'pg_auth_members',
    'pg_proc',
    'pg_policy',
    'pg_settings',
    'pg_stat_ssl',
    'pg_namespace',
    'pg_user_mappings',
  ].map((name) => `create view public.${name} as select 1 / 0 as planted`),
  'create domain public.text as pg_catalog.text check (false)',
  'create domain public.bigint as pg_catalog.int8 check (false)',
];

/** Ends a comment by its line break, and would end a quoted name or constant that is not quoted well. */
const PLANTED = `x"'\n; DROP TABLE planted; --`;
const name = (prefix: string) => quoteIdentifier(`${prefix}${PLANTED}`);

/** What PostgreSQL would run: without names, constants and comments. */
function runnable(statements: string): string {
  return statements.replaceAll(/\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n\r]*/gs, ' ');
}

const listOf = (answer: Answer, part: string) => answer[part] as readonly Row[];

describeEachMajor('security tools', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('name roles that are gone by their oid', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema sound',
      'create table sound.dangling (id integer)',
      `update pg_class set relacl = array[makeaclitem(999999, 10, 'SELECT', false)] where oid = 'sound.dangling'::regclass`,
      'create function sound.dangling() returns integer language sql security definer as $$ select 1 $$',
      `update pg_proc set proowner = 999998, proacl = array[makeaclitem(999999, 999998, 'EXECUTE', false)] where oid = 'sound.dangling()'::regprocedure`,
    );
    try {
      expect(
        fieldsOf(await howdah('plain').call('privileges', { table: 'sound.dangling' }), 'grantee', 'privileges'),
      ).toEqual([['unknown (OID=999999)', ['SELECT']]]);
      expect(
        listOf(await howdah('plain').call('privileges', { limit: 500 }), 'summary').map(({ grantee }) => grantee),
      ).toContain('unknown (OID=999999)');
      for (const tool of ['security_audit', 'roles', 'row_security', 'encrypted_connections'])
        await howdah('plain').call(tool);
      const definers = await howdah('plain').call('security_definer_functions', { name: 'dangling' });
      expect(definers.rows).toMatchObject([
        { owner: 'unknown (OID=999998)', owner_superuser: false, executable_by: ['unknown (OID=999999)'] },
      ]);
    } finally {
      await runAs(
        clone().superuserUrl,
        `update pg_proc set proowner = 10, proacl = null where oid = 'sound.dangling()'::regprocedure`,
        `update pg_class set relacl = null where oid = 'sound.dangling'::regclass`,
        'drop function sound.dangling()',
        'drop table sound.dangling',
        'drop schema sound',
      );
    }
  });

  it('leave names names in all that they advise', async () => {
    const prefix = 'hostile';
    const [owner, member, group] = ['o', 'm', 'g'].map((each) => name(`${prefix}_${each}`)) as [string, string, string];
    const schema = name('s');
    await runAs(
      clone().superuserUrl,
      `create role ${owner} login createrole bypassrls`,
      `create role ${group} superuser`,
      `create role ${member} login in role ${group}`,
      `grant pg_execute_server_program to ${member}`,
      `alter role ${owner} password 'md5${'a'.repeat(32)}'`,
      `create schema ${schema}`,
      `grant create, usage on schema ${schema} to public`,
      `create table ${schema}.${name('t')} (${name('c')} integer)`,
      `grant insert, update (${name('c')}) on ${schema}.${name('t')} to public`,
      `create policy ${name('p')} on ${schema}.${name('t')} using (true)`,
      `create table ${schema}.${name('r')} (a integer)`,
      `alter table ${schema}.${name('r')} enable row level security`,
      `create view ${schema}.${name('v')} as select * from ${schema}.${name('r')}`,
      `grant select on ${schema}.${name('v')} to public`,
      `create type ${schema}.${name('y')} as enum ('a')`,
      `create function ${schema}.${name('f')}(${schema}.${name('y')}) returns integer language sql security definer as 'select 1'`,
      `alter default privileges for role ${owner} in schema ${schema} grant insert on tables to public`,
      `create foreign data wrapper ${name('w')} options (password 'x')`,
      `create server ${name('s')} foreign data wrapper ${name('w')} options (password 'x')`,
      `create user mapping for public server ${name('s')}`,
      `create language ${name('l')} handler plpgsql_call_handler`,
      `create function ${schema}.${name('e')}() returns event_trigger language plpgsql as 'begin end'`,
      `alter function ${schema}.${name('e')}() owner to ${owner}`,
      `create event trigger ${name('e')} on ddl_command_end execute function ${schema}.${name('e')}()`,
      `grant select on pg_authid to ${owner}`,
    );
    try {
      const steps: string[] = [];
      for (const [tool, input] of TOOLS.slice(0, -1)) {
        const outcome = await howdah('superuser').attempt(tool, {
          ...input,
          ...(input['name'] !== undefined && { name: '*' }),
        });
        const { findings = [] } = (outcome.ok ? outcome.output : {}) as Partial<Answer>;
        steps.push(...findings.flatMap(({ next_step }) => next_step ?? []));
        // what is shown has no line that a name made
        const text = outcome.ok ? renderAnswer(outcome.operation, outcome.output) : '';
        expect(text.split('\n').filter((line) => line.startsWith('; DROP'))).toEqual([]);
      }
      expect(steps.filter((step) => step.includes('DROP TABLE planted')).length).toBeGreaterThan(15);
      for (const step of steps) expect(runnable(step)).not.toMatch(/planted/);
      const detail = await howdah('plain').call('privileges', { table: `${schema}.${name('t')}` });
      expect(detail.rows[0]).toMatchObject({ object: `${schema}.${name('t')}` });
    } finally {
      await runAs(clone().superuserUrl, `drop event trigger ${name('e')}`);
      await dropRoles(clone().superuserUrl, prefix);
    }
  });

  it('say nothing of what is behind a lock, and do not wait for it', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table security.policy_on, shop.customers in access exclusive mode');
      const started = performance.now();
      for (const [tool, input] of TOOLS) await howdah('monitor').call(tool, input);
      expect(performance.now() - started).toBeLessThan(1000 * TOOLS.length);
      const answer = await howdah('monitor').call('row_security', { schema: 'security' });
      expect(listOf(answer, 'policies')).toEqual([
        expect.objectContaining({ policy: 'everyone', using: 'true' }),
        expect.objectContaining({ policy: 'own', using: null, with_check: null }),
      ]);
      expect(answer.not_examined?.[0]).toMatchObject({ what: 'the expressions of 1 policy' });
      await session.query('rollback');
    });
    const free = await howdah('monitor').call('row_security', { schema: 'security' });
    expect(listOf(free, 'policies')[1]).toMatchObject({ policy: 'own', using: '(owner = CURRENT_USER)' });
  });

  it.each(['superuser', 'plain'] as const)(
    'run nothing that was planted in front of pg_catalog, for %s',
    async (login) => {
      if (login === 'superuser') {
        await runAs(
          clone().superuserUrl,
          ...LOOK_ALIKES,
          `alter database ${clone().name} set search_path = public, pg_catalog`,
        );
      }
      for (const [tool, input] of [...TOOLS, ...(login === 'superuser' ? ([['hba_rules', {}]] as const) : [])]) {
        const text = JSON.stringify(await howdah(login).call(tool, input));
        expect(text).not.toMatch(/a planted function ran|division by zero/);
      }
      await expect(runAs(clone().superuserUrl, `select public.quote_ident('a'::name)`)).rejects.toThrow(
        'a planted function ran',
      );
    },
  );
});

describeEachStandby('security on a standby', (cluster) => {
  const clone = useClone(cluster);
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('is what it is on the primary, for %s', async (login) => {
    for (const [tool, input] of [
      ['privileges', { table: 'shop.Order' }],
      ['row_security', {}],
      ['security_definer_functions', {}],
    ] as const) {
      const there = await primary(login).call(tool, input);
      const here = JSON.stringify(await standby(login).call(tool, input)).replaceAll('-- on the primary:\\n', '');
      expect(JSON.parse(here)).toEqual({ ...there, server: expect.any(String) });
      expect(there.rows).not.toEqual([]);
    }
    const audit = await standby(login).call('security_audit');
    expect(fieldsOf({ ...audit, rows: listOf(audit, 'code') }, 'found')[0]).toEqual([2]);
    expect((await standby(login).call('roles', { name: 'monitor' })).rows).toMatchObject([
      { member_of: ['pg_monitor'] },
    ]);
    expect((await standby(login).call('encrypted_connections')).rows).not.toEqual([]);
  });
});
