import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/contract/finding.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { fieldsOf, objects } from './advice.ts';
import { usePlantedSecurity } from './plant-security.ts';

const SECTIONS = ['roles', 'grants', 'code', 'row_security', 'authentication', 'outside'] as const;

/** What was found of each thing that was looked for. */
function checks(answer: Answer): Record<string, number | null> {
  const rows = SECTIONS.flatMap((section) => answer[section] as readonly Row[]);
  return Object.fromEntries(rows.map(({ check, found }) => [check, found as number | null]));
}

describeEachMajor('security_audit', (cluster) => {
  const { clone, role, plain, secret } = usePlantedSecurity(cluster);
  const howdah = useHowdah(clone);
  const { major } = cluster;

  /** Findings on what the fixture planted; on 12 to 14 everybody may create in public, too. */
  const told = (answer: Answer) => objects(answer).map(plain).toSorted();
  const planted = [
    'notice "bypass"',
    'notice pg_catalog.pg_authid',
    ...(major < 15 ? ['notice "public"', 'warning "maker"'] : []),
    ...(major >= 15 && major < 16 ? ['warning "maker"'] : []),
    ...(major >= 15 ? ['warning "archive_command"'] : []),
    'notice "alice"',
    'notice "planted"."of_owner"()',
    'notice undefined', // two superusers
    'warning "deploy"',
    'warning "open ""schema"',
    'warning "owner"',
    'warning "planted"."by caller\'s path"(planted."My Type", integer)',
    'warning "planted"."by_callers_path"()',
    'warning "planted"."open_schema"()',
    'warning "planted"."past_policies"',
    'warning "planted"."policy_off"',
    'warning "planted"."remote"',
    'warning "planted"."stored"',
    'warning "planted"."writable"',
    'warning "planted"."writable_column"',
    'warning "planted_server"',
    'warning "planted_server"',
    'warning "planted_trigger"',
    'warning "planted_untrusted"',
    'warning "program"',
    'warning pg_catalog.pg_read_file(text)',
  ];

  it.each(['monitor', 'plain'] as const)(
    'finds all that was planted and nothing that is sound, for %s',
    async (login) => {
      expect(told(await howdah(login).call('security_audit'))).toEqual(planted.toSorted());
    },
  );

  it('finds stored MD5 hashes and rules of authentication for a superuser only', async () => {
    const more = [`${major >= 14 ? 'warning' : 'notice'} "md5"`, 'warning undefined'];
    expect(told(await howdah('superuser').call('security_audit'))).toEqual([...planted, ...more].toSorted());
  });

  it.each(loginsOf(cluster))('counts what is there, and says null of what it cannot see, for %s', async (login) => {
    const answer = await howdah(login).call('security_audit');
    expect(checks(answer)).toMatchObject({
      superusers: 3,
      'superusers through a membership': 1,
      'memberships in powerful predefined roles': 2,
      'of those, passwords that have ended': 1,
      'schemas that PUBLIC may create in': major < 15 ? 2 : 1,
      'tables that PUBLIC may change': 2,
      'tables that PUBLIC may read': 2,
      'PUBLIC may connect to this database': 1,
      'PUBLIC may create schemas': 0,
      'settings that others than superusers may change': major < 15 ? 0 : 2,
      'SECURITY DEFINER functions': 7,
      'of those, with a search path that callers have a hand in': 4,
      'tables with row security': 3,
      'not forced for the owner': 2,
      'without a policy, so without rows': 1,
      'views and functions that get others past policies': 2,
      'TLS is off': 1,
      'user mappings for PUBLIC': 1,
      'passwords stored as MD5': login === 'superuser' ? 1 : null,
      'rules without a password': login === 'superuser' ? 2 : null,
      'sessions over the network without encryption': login === 'plain' ? null : 0,
    });
    const { 'roles that log in without a password': without = -1 } = checks(answer);
    // of the fixture twelve; other suites may have more
    expect(without === null ? login !== 'superuser' : login === 'superuser' && without >= 12).toBe(true);
  });

  it('says what would make the rest visible', async () => {
    const gaps = (await howdah('monitor').call('security_audit')).not_examined ?? [];
    const [passwords, rules, definers, ...more] = gaps;
    expect(passwords).toEqual({ what: expect.stringMatching(/^how passwords are stored/), reason: expect.any(String) });
    expect(rules?.remedy).toContain('GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO "monitor";');
    expect(definers?.what).toBe('what 7 SECURITY DEFINER functions read');
    expect(more).toEqual([]);
    const plainGaps = (await howdah('plain').call('security_audit')).not_examined ?? [];
    expect(plainGaps.at(-1)).toMatchObject({ remedy: 'GRANT pg_monitor TO "plain";' });
    const superuserGaps = (await howdah('superuser').call('security_audit')).not_examined ?? [];
    expect(superuserGaps.map(({ what }) => what)).toEqual(['what 7 SECURITY DEFINER functions read']);
  });

  it.each(loginsOf(cluster))('says what the tools of each matter say, word by word, for %s', async (login) => {
    const audit = await howdah(login).call('security_audit');
    const tools = ['roles', 'row_security', 'security_definer_functions', 'encrypted_connections'];
    const single: Finding[] = [];
    for (const tool of tools) single.push(...(await howdah(login).call(tool)).findings);
    if (login === 'superuser') single.push(...(await howdah(login).call('hba_rules')).findings);
    expect(single.length).toBeGreaterThan(8);
    for (const finding of single) expect(audit.findings).toContainEqual(finding);
  });

  it.each(loginsOf(cluster))('shows no secret in any tool, for %s', async (login) => {
    for (const [tool, input] of [
      ['security_audit', {}],
      ['roles', { limit: 500 }],
      ['row_security', { limit: 500 }],
      ['security_definer_functions', {}],
      ['privileges', { table: 'planted.remote' }],
      ['privileges', {}],
    ] as const) {
      const text = JSON.stringify(await howdah(login).call(tool, input));
      expect(text).not.toContain(secret);
      expect(text).not.toMatch(/aaaaaaaabbbbbbbb|c2VydmVyS2V5/);
    }
  });

  it('reports a password that has ended while its role is logged in, and one that is the name of its role', async () => {
    const url = new URL(clone().superuserUrl);
    const password = 'md5' + 'c'.repeat(32);
    await runAs(clone().superuserUrl, `alter role ${role('md5')} password '${password}'`);
    await withSession(clone().superuserUrl, async (session) => {
      await session.query(`set session authorization ${role('expired')}`);
      // which does not change whose session it is
      const before = await howdah('monitor').call('roles');
      expect(objects(before).map(plain)).not.toContain('warning "expired"');
    });
    const known = 'a long enough passphrase';
    await runAs(clone().superuserUrl, `alter role ${role('expired')} password '${known}' valid until 'infinity'`);
    Object.assign(url, { username: role('expired'), password: encodeURIComponent(known) });
    await withSession(url.href, async () => {
      await runAs(clone().superuserUrl, `alter role ${role('expired')} valid until '2020-01-01'`);
      const answer = await howdah('monitor').call('roles', { name: role('expired') });
      expect(answer.findings).toContainEqual(
        expect.objectContaining({
          severity: 'warning',
          object: `"${role('expired')}"`,
          claim: expect.stringContaining('has expired, and 1 of its sessions'),
        }),
      );
      expect(answer.rows).toMatchObject([{ expired: true, sessions: 1, valid_until: '2020-01-01T00:00:00Z' }]);
      await runAs(
        clone().superuserUrl,
        `alter role ${role('expired')} valid until '${new Date(Date.now() + 3 * 86_400_000).toISOString()}'`,
      );
      const soon = await howdah('monitor').call('roles', { name: role('expired') });
      expect(soon.findings).toContainEqual(
        expect.objectContaining({ severity: 'notice', claim: expect.stringContaining('expires in 3 days') }),
      );
      const later = await howdah('monitor').call('roles', { expiry_days: 2 });
      expect(objects(later).map(plain)).not.toContain('notice "expired"');
    });
  });

  it('is for those only whose persona opens the area', async () => {
    const viewer = await openHowdah(clone().monitorUrl, 'viewer');
    try {
      for (const tool of [
        'security_audit',
        'roles',
        'get_user_list',
        'privileges',
        'hba_rules',
        'encrypted_connections',
        'row_security',
        'security_definer_functions',
      ])
        expect(await viewer.attempt(tool)).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
      expect(await viewer.attempt('configuration_review')).toMatchObject({ ok: true });
    } finally {
      await viewer.close();
    }
  });

  it('takes what could not be read for unknown, and not for none', async () => {
    const blind = role('blind');
    await runAs(
      clone().superuserUrl,
      `create role ${blind} login password 'a long enough passphrase'`,
      'revoke select on pg_catalog.pg_foreign_server from public',
    );
    const url = new URL(clone().superuserUrl);
    Object.assign(url, { username: blind, password: 'a%20long%20enough%20passphrase' });
    const narrow = await openHowdah(url.href);
    try {
      const answer = await narrow.call('security_audit');
      expect(checks(answer)).toMatchObject({
        'secrets in options that everybody may read': null,
        'user mappings for PUBLIC': null,
        'tables that PUBLIC may change': 2,
      });
      expect(answer.not_examined?.map(({ what }) => what)).toEqual(
        expect.arrayContaining([
          'secrets in options of foreign servers and tables',
          'foreign servers that everybody may use',
        ]),
      );
      expect(fieldsOf({ ...answer, rows: answer['outside'] as Row[] }, 'found')[0]).toEqual([null]);
    } finally {
      await narrow.close();
      await runAs(clone().superuserUrl, 'grant select on pg_catalog.pg_foreign_server to public');
    }
  });
});

/** What an application that was made with care has. */
const SOUND = [
  'create role shop',
  "create role shop_app login in role shop valid until '2999-01-01'",
  'create role standby replication login',
  'create role dump login bypassrls', // matters only where there is row security
  'create schema shop authorization shop',
  'create table shop.orders (id integer primary key, tenant name)',
  'alter table shop.orders owner to shop',
  'grant select on shop.orders to shop_app',
  'create view shop.all_orders as select * from shop.orders',
  'alter view shop.all_orders owner to shop',
  'grant select on shop.all_orders to public',
  `create function shop.total() returns bigint language sql security definer set search_path = shop, pg_temp as 'select 1::bigint'`,
  'alter default privileges for role shop grant select on tables to shop_app',
];
const SOUND_RULES = [
  'local all postgres peer',
  'local all all scram-sha-256',
  'host shop shop_app 10.0.0.0/8 scram-sha-256',
  'host replication standby 10.0.0.5/32 scram-sha-256',
  'host all all all reject',
];

it('finds nothing on a server that is in order, whichever tool is asked', async () => {
  await withSeparateServer({}, async ({ dataDir }, url) => {
    await runAs(url, ...SOUND);
    writeFileSync(join(dirname(dataDir), 'pg_hba.conf'), SOUND_RULES.join('\n'));
    const howdah = await openHowdah(url);
    try {
      for (const tool of [
        'security_audit',
        'roles',
        'hba_rules',
        'encrypted_connections',
        'row_security',
        'security_definer_functions',
      ]) {
        const { findings } = await howdah.call(tool);
        expect({ tool, findings }).toEqual({ tool, findings: [] });
      }
    } finally {
      await howdah.close();
    }
  });
});
