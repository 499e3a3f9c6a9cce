import { expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { fieldsOf, follow, followComment, objects } from './advice.ts';
import { usePlantedSecurity } from './plant-security.ts';

const listOf = (answer: Answer, part: string) => answer[part] as readonly Row[];

describeEachMajor('row_security and security_definer_functions', (cluster) => {
  const { clone, role, secret, plain } = usePlantedSecurity(cluster);
  const howdah = useHowdah(clone);
  const { major } = cluster;

  it.each(loginsOf(cluster))(
    'lists tables with their policies, those that lack something first, for %s',
    async (login) => {
      const answer = await howdah(login).call('row_security');
      expect(fieldsOf(answer, 'schema', 'table', 'row_security', 'policies', 'commands', 'owner_bypasses')).toEqual([
        ['planted', 'policy_off', 'off', 1, ['all'], true],
        ['planted', 'guarded', 'on', 2, ['insert', 'select'], true],
        ['sound', 'deny_all', 'on', 0, [], true],
        ['sound', 'forced', 'forced', 1, ['all'], false],
      ]);
      expect(listOf(answer, 'policies')).toEqual([
        expect.objectContaining({
          table: 'policy_off',
          policy: 'own',
          permissive: true,
          roles: ['PUBLIC'],
          using: '(id = 1)',
        }),
        {
          schema: 'planted',
          table: 'guarded',
          policy: 'tenants',
          command: 'select',
          permissive: true,
          roles: [role('app')],
          using: expect.stringMatching(/^\(\(tenant = CURRENT_USER\) AND \(note <> 'password=\[redacted\]/),
          with_check: null,
        },
        expect.objectContaining({
          policy: 'writers',
          command: 'insert',
          permissive: false,
          roles: [role('app'), role('writer')],
          using: null,
          with_check: '(tenant = CURRENT_USER)',
        }),
        expect.objectContaining({ table: 'forced', policy: 'tenants', command: 'all' }),
      ]);
      expect(JSON.stringify(answer)).not.toContain(secret);
    },
  );

  it.each(loginsOf(cluster))('knows who gets past policies, for %s', async (login) => {
    const answer = await howdah(login).call('row_security');
    expect(listOf(answer, 'bypassed_by')).toEqual([
      expect.objectContaining({
        kind: 'materialized_view',
        table: 'stored',
        because: 'stored rows',
        open_to: [role('app')],
      }),
      {
        kind: 'view',
        schema: 'planted',
        table: 'past_policies',
        owner: 'postgres',
        because: 'superuser',
        reads: ['planted.guarded'],
        open_to: [role('app')],
      },
      expect.objectContaining({ kind: 'view', schema: 'sound', table: 'for_nobody', open_to: [] }),
    ]);
    const bypassing = listOf(answer, 'bypass_roles').map((each) => [each['role'], each['power'], each['own']]);
    expect(bypassing).toEqual(
      expect.arrayContaining([
        [role('bypass'), 'BYPASSRLS', true],
        ['postgres', 'SUPERUSER', true],
        [role('super'), 'SUPERUSER', true],
        [role('alice'), 'SUPERUSER', false],
      ]),
    );
    expect(bypassing.map(([each]) => each)).not.toContain(role('dba')); // which cannot log in
    expect(objects(answer).map(plain)).toEqual([
      'warning "planted"."policy_off"',
      'warning "planted"."stored"',
      'warning "planted"."past_policies"',
      'notice "bypass"',
    ]);
    expect(answer.not_examined).toMatchObject([{ what: 'what 7 SECURITY DEFINER functions read' }]);
  });

  it('judges only what is asked for', async () => {
    const answer = await howdah('plain').call('row_security', { name: 'FORCED' });
    expect(fieldsOf(answer, 'table')).toEqual([['forced']]);
    expect(objects(answer).map(plain)).toEqual(['notice "bypass"']);
    const none = await howdah('plain').call('row_security', { schema: 'no_such' });
    expect(none).toMatchObject({ rows: [], findings: [], total: 0 });
    const first = await howdah('plain').call('row_security', { limit: 1 });
    expect(first).toMatchObject({ total: 4, truncated: true, policies: [{ table: 'policy_off' }] });
    expect(objects(first)).toHaveLength(4); // a short list hides no finding
    expect(first.not_examined?.[0]).toMatchObject({ what: '2 more views and functions' });
  });

  it('reports an owner who is logged in, until policies hold it', async () => {
    const password = 'a long enough passphrase';
    await runAs(clone().superuserUrl, `alter role ${role('owner')} password '${password}'`);
    const url = new URL(clone().superuserUrl);
    Object.assign(url, { username: role('owner'), password: encodeURIComponent(password) });
    await withSession(url.href, async () => {
      const answer = await howdah('plain').call('row_security', { schema: 'planted' });
      const finding = answer.findings.find(({ object }) => object === `"${role('owner')}"`);
      expect(finding).toMatchObject({ severity: 'notice', evidence: { tables: 1, owner_sessions: 1 } });
      if (finding) await followComment(clone().superuserUrl, finding, 'ALTER TABLE');
      const held = await howdah('plain').call('row_security', { schema: 'planted' });
      expect(objects(held).map(plain)).not.toContain('notice "owner"');
    });
    await runAs(clone().superuserUrl, 'alter table planted.guarded no force row level security');
  });

  it.runIf(major >= 15)('has views read as their callers, by the step that it advises', async () => {
    const [finding] = (await howdah('plain').call('row_security')).findings.filter(
      ({ object }) => object === '"planted"."past_policies"',
    );
    if (finding) await follow(clone().superuserUrl, finding);
    const after = await howdah('plain').call('row_security');
    expect(listOf(after, 'bypassed_by').map(({ table }) => table)).toEqual(['stored', 'for_nobody']);
    await runAs(clone().superuserUrl, 'alter view planted.past_policies reset (security_invoker)');
  });

  it.runIf(major >= 14)('follows functions whose bodies PostgreSQL has parsed', async () => {
    await runAs(
      clone().superuserUrl,
      'create function planted.parsed() returns bigint language sql security definer begin atomic select count(*) from planted.guarded; end',
    );
    const answer = await howdah('plain').call('row_security');
    expect(listOf(answer, 'bypassed_by')[0]).toMatchObject({
      kind: 'function',
      table: 'parsed',
      because: 'superuser',
      reads: ['planted.guarded'],
      open_to: ['PUBLIC'],
    });
    expect(answer.not_examined).toMatchObject([{ what: 'what 7 SECURITY DEFINER functions read' }]);
    const definers = await howdah('plain').call('security_definer_functions', { name: 'parsed' });
    expect(definers).toMatchObject({ rows: [{ path: 'bound', search_path: null }], findings: [] });
    await runAs(clone().superuserUrl, 'drop function planted.parsed()');
  });

  it.each(loginsOf(cluster))('tells functions apart by whose names they use, for %s', async (login) => {
    const answer = await howdah(login).call('security_definer_functions');
    expect(fieldsOf(answer, 'schema', 'function', 'arguments', 'kind', 'path', 'executable_by')).toEqual([
      ['planted', "by caller's path", 'planted."My Type", integer', 'function', 'callers', ['PUBLIC']],
      ['planted', 'by_callers_path', '', 'procedure', 'callers', ['PUBLIC']],
      ['sound', 'nobody_may', '', 'function', 'callers', []],
      ['planted', 'of_owner', '', 'function', 'callers', ['PUBLIC']],
      ['planted', 'open_schema', '', 'function', 'open_schema', ['PUBLIC']],
      ['sound', 'empty_path', '', 'function', 'pinned', ['PUBLIC']],
      ['sound', 'pinned', '', 'function', 'pinned', ['PUBLIC']],
    ]);
    expect(answer.rows[3]).toMatchObject({ owner: role('owner'), owner_superuser: false, language: 'sql' });
    expect(answer).toMatchObject({ total: 7, truncated: false });
  });

  it('pins the search path of each, by the step that it advises', async () => {
    const { findings } = await howdah('plain').call('security_definer_functions');
    expect(findings).toHaveLength(4);
    for (const finding of findings) await followComment(clone().superuserUrl, finding, 'ALTER (?:FUNCTION|PROCEDURE)');
    const after = await howdah('plain').call('security_definer_functions');
    expect(after.findings).toEqual([]);
    expect(fieldsOf(after, 'path').filter(([path]) => path !== 'pinned')).toEqual([['callers']]); // that nobody may call
  });

  it('leaves out what extensions brought', async () => {
    await runAs(
      clone().superuserUrl,
      'create function public.brought() returns integer language sql security definer as $$ select 1 $$',
      'create table public.brought (id integer)',
      'grant insert on public.brought to public',
      'alter extension pg_stat_statements add function public.brought()',
      'alter extension pg_stat_statements add table public.brought',
    );
    const definers = await howdah('plain').call('security_definer_functions', { name: 'brought' });
    expect(definers).toMatchObject({ rows: [], findings: [] });
    const audit = await howdah('plain').call('security_audit');
    expect(JSON.stringify(audit)).not.toContain('brought');
  });
});
