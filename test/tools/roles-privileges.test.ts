import { describe, expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, type Answer, type Login, type Row } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { usePlantedSecurity } from './plant-security.ts';

const grants = (answer: Answer) => fieldsOf(answer, 'grantee', 'columns', 'privileges', 'grantable');
const listOf = (answer: Answer, part: string) => answer[part] as readonly Row[];

describeEachMajor('roles and privileges', (cluster) => {
  const { clone, role, secret } = usePlantedSecurity(cluster);
  const howdah = useHowdah(clone);
  const { major } = cluster;
  const rowOf = ({ rows }: Answer, name: string): Row => rows.find((row) => row['role'] === role(name)) ?? {};

  const on = async (input: Record<string, unknown>, login: Login = 'plain') =>
    howdah(login).call('privileges', { limit: 100, ...input });
  const named = async (input: Record<string, unknown>) =>
    fieldsOf(await howdah('plain').call('roles', input), 'role', 'members');

  describe('roles', () => {
    it.each(loginsOf(cluster))('have attributes, limits, memberships and settings, for %s', async (login) => {
      const answer = await howdah(login).call('roles', { name: role('*'), limit: 500 });
      expect(answer).toMatchObject({ total: 17, truncated: false });
      expect(rowOf(answer, 'super')).toMatchObject({ login: true, attributes: ['SUPERUSER'], connection_limit: null });
      expect(rowOf(answer, 'deploy')).toMatchObject({
        attributes: ['NOINHERIT'],
        member_of: [role('ops')],
        member_of_all: 2,
      });
      expect(rowOf(answer, 'app')).toMatchObject({
        attributes: [],
        connection_limit: 7,
        valid_until: null,
        expired: false,
        comment: 'the shop, password=[redacted]',
        password: login === 'superuser' ? 'scram-sha-256' : null,
      });
      expect(rowOf(answer, 'expired')).toMatchObject({ valid_until: '2020-01-01T00:00:00Z', expired: true });
      expect(rowOf(answer, 'readers')).toMatchObject({ login: false, members: 1, members_all: 2, member_of: [] });
      expect(rowOf(answer, 'intern')).toMatchObject({ member_of: [role('analyst')], member_of_all: 2, members: 0 });
      expect(rowOf(answer, 'maker')).toMatchObject({ attributes: ['CREATEROLE'], owned_objects: 0 });
      // two functions, two tables, a view, and in default privileges there is no owner
      expect(rowOf(answer, 'owner')).toMatchObject({ owned_objects: 5 });
      expect(listOf(answer, 'settings')).toEqual(
        ['work_mem 64MB', 'app.api_token [withheld]', 'application_name password=[redacted]'].map((each) => {
          const [name, value] = each.split(' ');
          return { role: role('app'), name, value };
        }),
      );
      expect(JSON.stringify(answer)).not.toContain(secret);
    });

    it('are powerful through memberships that nobody sees in their attributes', async () => {
      const answer = await howdah('plain').call('roles');
      expect(listOf(answer, 'powers')).toEqual([
        { role: role('alice'), power: 'SUPERUSER', inherited: false, through: [role('dba')] },
        { role: role('deploy'), power: 'pg_execute_server_program', inherited: false, through: [role('ops')] },
        { role: role('program'), power: 'pg_execute_server_program', inherited: true, through: [role('ops')] },
      ]);
    });

    it('come with how each membership was granted', async () => {
      const answer = await howdah('plain').call('roles', { name: role('deploy') });
      expect(listOf(answer, 'memberships')).toEqual([
        { member: role('deploy'), role: role('ops'), admin: false, inherit: false, set: true, grantor: 'postgres' },
      ]);
    });

    it.runIf(major >= 16)('take no power through a membership without its options', async () => {
      const outsider = role('outsider');
      await runAs(
        clone().superuserUrl,
        `create role ${outsider} login`,
        `grant ${role('dba')} to ${outsider} with inherit true, set false`,
        `grant ${role('ops')} to ${outsider} with inherit false, set false`,
      );
      const powerless = await howdah('plain').call('roles', { limit: 500 });
      expect(listOf(powerless, 'powers').map((each) => each['role'])).not.toContain(outsider);
      expect(listOf(powerless, 'memberships')).toContainEqual(
        expect.objectContaining({ member: outsider, role: role('ops'), inherit: false, set: false }),
      );
      // who may grant it to others may grant it to itself
      await runAs(clone().superuserUrl, `grant ${role('dba')} to ${outsider} with admin true`);
      const admin = await howdah('plain').call('roles', { limit: 500 });
      expect(listOf(admin, 'powers')).toContainEqual(expect.objectContaining({ role: outsider, power: 'SUPERUSER' }));
      await runAs(clone().superuserUrl, `drop role ${outsider}`);
    });

    it('include the predefined ones on request', async () => {
      expect(await named({ name: 'pg_monitor' })).toEqual([]);
      const [predefined, ...more] = await named({ name: 'pg_monitor', predefined: true });
      expect(predefined?.[0]).toBe('pg_monitor');
      expect(Number(predefined?.[1])).toBeGreaterThanOrEqual(2); // monitor, and the watcher of the fixture
      expect(more).toEqual([]);
    });

    it('end at the limit, and say how many there are', async () => {
      const answer = await howdah('plain').call('roles', { limit: 3 });
      expect(answer.rows).toHaveLength(3);
      expect(answer).toMatchObject({ truncated: true });
      expect(answer.total).toBeGreaterThanOrEqual(20); // other suites may have roles, too
      expect(answer.not_examined?.map(({ what }) => what)).toContain(
        'how passwords are stored, and which roles have none',
      );
    });

    it('answer to get_user_list, with what that had', async () => {
      const expected = await runAs(
        clone().superuserUrl,
        `select rolname as role, oid::integer, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin as login, rolreplication, nullif(rolconnlimit, -1) as connection_limit
           from pg_roles where rolcanlogin order by 1`,
      );
      const { rows } = await howdah('monitor').call('get_user_list', { limit: 500 });
      const shown = rows.map((row) => {
        const has = (attribute: string) =>
          ['SUPERUSER', attribute].some((each) => (row['attributes'] as unknown as string[]).includes(each));
        return {
          role: row['role'],
          oid: row['oid'],
          rolsuper: has('SUPERUSER'),
          rolcreatedb: has('CREATEDB'),
          rolcreaterole: has('CREATEROLE'),
          login: row['login'],
          rolreplication: has('REPLICATION'),
          connection_limit: row['connection_limit'],
        };
      });
      // a superuser has them all, whatever its attributes say
      const implied = expected.map((each) =>
        each['rolsuper'] === true ? { ...each, rolcreatedb: true, rolcreaterole: true, rolreplication: true } : each,
      );
      expect(shown.filter(({ login }) => login)).toHaveLength(implied.length);
      expect(shown).toEqual(expect.arrayContaining(implied));
    });
  });

  describe('privileges', () => {
    const all = [
      'DELETE',
      'INSERT',
      ...(major >= 17 ? ['MAINTAIN'] : []),
      'REFERENCES',
      'SELECT',
      'TRIGGER',
      'TRUNCATE',
      'UPDATE',
    ];

    it.each(loginsOf(cluster))(
      'on a table are those of its owner, of PUBLIC and of roles, also on columns, for %s',
      async (login) => {
        const answer = await on({ table: 'sound.granted' }, login);
        expect(grants(answer)).toEqual([
          ['postgres', null, all, []],
          ['PUBLIC', null, ['SELECT'], []],
          [role('app'), null, ['INSERT', 'UPDATE'], ['INSERT', 'UPDATE']],
          [role('readers'), ['note'], ['UPDATE'], []],
        ]);
        expect(answer.rows[0]).toMatchObject({
          object: 'sound.granted',
          owner: true,
          default: false,
          grantor: 'postgres',
        });
        expect(answer).toMatchObject({ kind: 'relation', role: null, summary: [], total: 4, truncated: false });
      },
    );

    it('that nobody ever granted are those that PostgreSQL gives', async () => {
      const answer = await on({ table: 'sound.deny_all' });
      expect(fieldsOf(answer, 'grantee', 'owner', 'default')).toEqual([['postgres', true, true]]);
      const functions = await on({ function: 'sound.invoker' });
      expect(fieldsOf(functions, 'object', 'grantee', 'privileges', 'default')).toEqual([
        ['sound.invoker()', 'postgres', ['EXECUTE'], true],
        ['sound.invoker()', 'PUBLIC', ['EXECUTE'], true],
      ]);
    });

    it('of a role come through its memberships', async () => {
      const answer = await on({ table: 'sound.granted', role: role('intern') });
      expect(fieldsOf(answer, 'grantee', 'privileges', 'columns', 'through', 'at_once')).toEqual([
        ['PUBLIC', ['SELECT'], null, null, true],
        [role('readers'), ['UPDATE'], ['note'], [role('analyst')], true],
      ]);
      expect(answer['role']).toEqual({
        role: role('intern'),
        superuser: false,
        bypass_rls: false,
        may: ['SELECT', 'UPDATE of some columns'],
        schema_usage: true,
      });
    });

    it('of a role that inherits nothing take SET ROLE', async () => {
      await runAs(
        clone().superuserUrl,
        `grant ${role('readers')} to ${role('deploy')}`,
        ...(major >= 16 ? [`grant ${role('readers')} to ${role('deploy')} with inherit false`] : []),
      );
      const answer = await on({ table: 'sound.granted', role: role('deploy') });
      expect(fieldsOf(answer, 'grantee', 'through', 'at_once')).toEqual([
        ['PUBLIC', null, true],
        [role('readers'), [role('readers')], false],
      ]);
      expect(answer['role']).toMatchObject({ may: ['SELECT'] });
      await runAs(clone().superuserUrl, `revoke ${role('readers')} from ${role('deploy')}`);
    });

    it('are for every role what PostgreSQL itself allows', async () => {
      const tables = ['sound.granted', 'planted.writable', 'planted.guarded', 'sound.forced'];
      for (const name of ['app', 'intern', 'owner', 'super', 'watcher']) {
        for (const table of tables) {
          const [expected] = await runAs(
            clone().superuserUrl,
            `select coalesce(string_agg(p, ',' order by n), '') as may
               from unnest(array['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER']) with ordinality as u (p, n)
              where has_table_privilege('${role(name)}', '${table}', p)`,
          );
          const answer = await on({ table, role: role(name) });
          const { may, superuser } = answer['role'] as { may: string[]; superuser: boolean };
          const shown = may.filter((each) => !each.includes(' ') && each !== 'MAINTAIN');
          expect([name, table, shown.join()]).toEqual([name, table, expected?.['may']]);
          const granted = new Set(
            answer.rows.flatMap((row) =>
              row['at_once'] === true && row['columns'] === null ? (row['privileges'] as unknown as string[]) : [],
            ),
          );
          expect(superuser || shown.every((each) => granted.has(each))).toBe(true);
        }
      }
    });

    it.runIf(major >= 14)('come with predefined roles, too, without any grant', async () => {
      await runAs(clone().superuserUrl, `grant pg_read_all_data to ${role('watcher')}`);
      const answer = await on({ table: 'sound.forced' });
      expect(answer.rows).toContainEqual(
        expect.objectContaining({ grantee: 'pg_read_all_data', privileges: ['SELECT'], grantor: null }),
      );
      expect(answer.rows.map(({ grantee }) => grantee)).not.toContain('pg_write_all_data'); // which nobody is a member of
      const own = await on({ table: 'sound.forced', role: role('watcher') });
      expect(fieldsOf(own, 'grantee', 'through', 'at_once')).toEqual([
        ['pg_read_all_data', ['pg_read_all_data'], true],
      ]);
      expect(own['role']).toMatchObject({ may: ['SELECT'] });
      await runAs(
        clone().superuserUrl,
        'create sequence sound.numbers',
        `grant pg_write_all_data to ${role('watcher')}`,
      );
      const sequence = await on({ table: 'sound.numbers', role: role('watcher') });
      expect(fieldsOf(sequence, 'grantee', 'privileges')).toEqual([
        ['pg_read_all_data', ['SELECT']],
        ['pg_write_all_data', ['UPDATE']],
      ]);
      expect(sequence['role']).toMatchObject({ may: ['SELECT', 'UPDATE'] });
      await runAs(
        clone().superuserUrl,
        `revoke pg_read_all_data, pg_write_all_data from ${role('watcher')}`,
        'drop sequence sound.numbers',
      );
    });

    it('on sequences, schemas, functions and the database are found, too', async () => {
      await runAs(
        clone().superuserUrl,
        'create sequence sound."S 1"',
        `grant usage on sequence sound."S 1" to ${role('app')}`,
      );
      const sequence = await on({ table: 'sound."S 1"' });
      expect(grants(sequence)).toEqual([
        ['postgres', null, ['SELECT', 'UPDATE', 'USAGE'], []],
        [role('app'), null, ['USAGE'], []],
      ]);
      expect((await on({ table: 'S 1', role: role('app') }))['role']).toMatchObject({ may: ['USAGE'] });
      const schema = await on({ schema: 'open "schema' });
      expect(fieldsOf(schema, 'object', 'grantee', 'privileges')).toEqual([
        ['"open ""schema"', 'postgres', ['CREATE', 'USAGE']],
        ['"open ""schema"', 'PUBLIC', ['CREATE']],
      ]);
      const definer = await on({ function: `planted.by caller's path(planted."My Type",integer)`, role: role('app') });
      expect(definer).toMatchObject({ kind: 'function', total: 1, role: { may: ['EXECUTE'] } });
      const closed = await on({ function: 'nobody_may', role: role('app') });
      expect(closed).toMatchObject({ rows: [], role: { may: [], schema_usage: true } });
      const database = await on({ role: role('app') });
      expect(database).toMatchObject({ kind: 'database', role: { may: ['CONNECT', 'TEMPORARY'] } });
    });

    it.each(loginsOf(cluster))('are counted for the whole database, for %s', async (login) => {
      const summary = listOf(await on({}, login), 'summary');
      const of = (grantee: string, kind: string) =>
        summary.find((row) => row['grantee'] === grantee && row['kind'] === kind)?.['privileges'];
      expect(of('PUBLIC', 'table')).toEqual(['INSERT 1', 'SELECT 2', 'TRUNCATE 1']);
      expect(of('PUBLIC', 'schema')).toEqual([`CREATE ${major < 15 ? 2 : 1}`, 'USAGE 3']);
      expect(of('PUBLIC', 'column')).toEqual(['UPDATE 1']);
      expect(of(role('owner'), 'table')).toEqual(['OWNER 2']);
      expect(of(role('app'), 'view')).toEqual([`SELECT ${major >= 15 ? 4 : 3}`]);
      expect(summary.slice(0, 4).every(({ grantee }) => grantee === 'PUBLIC')).toBe(true);
      const own = listOf(await on({ role: role('intern') }, login), 'summary');
      expect(own).toContainEqual({
        grantee: role('readers'),
        kind: 'column',
        privileges: ['UPDATE 1'],
        grantable: false,
        through: [role('analyst')],
        at_once: true,
      });
      expect(own.every(({ grantee }) => grantee === 'PUBLIC' || grantee === role('readers'))).toBe(true);
    });

    it.each<[Record<string, unknown>, string, string]>([
      [{ table: 'no_such_table' }, 'NOT_FOUND', 'no relation "no_such_table"'],
      [{ function: 'no_such_function' }, 'NOT_FOUND', 'no function "no_such_function"'],
      [{ function: 'sound.invoker(integer)' }, 'NOT_FOUND', 'There is "sound"."invoker"().'],
      [{ schema: 'soun' }, 'NOT_FOUND', 'Did you mean "sound"?'],
      [{ role: 'no_such_role' }, 'NOT_FOUND', 'no role "no_such_role"'],
      [{ table: 'sound.granted', function: 'f' }, 'INVALID_INPUT', 'A table and a function'],
    ])('on %j are %s', async (input, code, text) => {
      const outcome = await howdah('plain').attempt('privileges', input);
      expect(outcome).toMatchObject({ ok: false, error: { code } });
      expect(outcome.ok ? '' : `${outcome.error.message} ${outcome.error.hint}`).toContain(text);
    });
  });
});
