/** What is said of roles' passwords, grants, functions, sessions and exposed objects, and what is not. */
import { describe, expect, it } from 'vitest';
import { judgeAuditSettings } from './audit-settings.ts';
import type { DefinerFunction } from './definer-function.ts';
import type { Bypass, GuardedTable } from './guarded-tables.ts';
import { examineDefiners, judgeDefiners } from './judge-definers.ts';
import { judgeEncryption } from './judge-encryption.ts';
import { judgeExposed } from './judge-exposed.ts';
import { judgeGrants } from './judge-grants.ts';
import { judgeGuarded } from './judge-row-security.ts';
import { pageOf } from './page.ts';
import { judgePasswords, type StoredPassword } from './passwords.ts';
import type { Power } from './role-power.ts';

const facts = { major: 18, service: null, database: 'shop' };
const severities = (findings: readonly { severity: string }[]) => findings.map(({ severity }) => severity);

const stored = (password: StoredPassword['password'], more: Partial<StoredPassword> = {}): StoredPassword => ({
  oid: 1,
  role: 'app',
  password,
  is_name: false,
  login: true,
  of_kind: 1,
  ...more,
});

const definer = (more: Partial<DefinerFunction>): DefinerFunction => ({
  schema: 'shop',
  function: 'f',
  arguments: 'integer',
  kind: 'function',
  language: 'sql',
  owner: 'postgres',
  owner_superuser: true,
  owner_powerful: true,
  search_path: null,
  parsed: false,
  executable_by: ['PUBLIC'],
  reachable: true,
  total_rows: 1,
  ...more,
});

const setting = (name: string, value: string, set = true) => ({ name, value, set });

describe('passwords', () => {
  it.each<[StoredPassword, number, string[]]>([
    [stored('scram-sha-256'), 18, []],
    [stored('none'), 18, []],
    [stored('md5'), 14, ['warning']],
    [stored('md5'), 13, ['notice']],
    [stored('md5', { login: false }), 18, []],
    [stored('md5', { is_name: true }), 13, ['critical']],
  ])('%j on %i', (row, major, expected) => {
    expect(severities(judgePasswords([row], { major }))).toEqual(expected);
  });
});

describe('functions with the rights of their owner', () => {
  const open = [{ schema: 'open, "schema', owner: 'postgres', total_rows: 1 }];

  it.each<[string, Partial<DefinerFunction>, string, string[]]>([
    ['its callers choose', {}, 'callers', ['warning']],
    [
      'its callers choose for an ordinary owner',
      { owner_superuser: false, owner_powerful: false },
      'callers',
      ['notice'],
    ],
    ['its callers choose for one who makes roles', { owner_superuser: false }, 'callers', ['warning']],
    ['nobody but the owner may call', { executable_by: [] }, 'callers', []],
    ['nobody reaches', { reachable: false }, 'callers', []],
    ['has no names to look up', { parsed: true }, 'bound', []],
    ['has a schema that is open', { search_path: 'pg_catalog, "open, ""schema", pg_temp' }, 'open_schema', ['warning']],
    ['has temporary schemas last', { search_path: 'shop, pg_catalog, pg_temp' }, 'pinned', []],
    ['has temporary schemas first', { search_path: 'shop, pg_catalog' }, 'temporary_first', []],
    ['is empty', { search_path: '""' }, 'pinned', []],
  ])('whose path %s', (_, more, path, expected) => {
    const judged = examineDefiners([definer(more)], open);
    expect(judged[0]?.path).toBe(path);
    expect(severities(judgeDefiners(judged))).toEqual(expected);
  });

  it('takes "$user" for the schema of the owner', () => {
    const row = definer({ search_path: '"$user", pg_temp', owner: 'app' });
    expect(examineDefiners([row], [{ schema: 'app', owner: 'app', total_rows: 1 }])[0]?.path).toBe('open_schema');
    expect(examineDefiners([row], [])[0]?.path).toBe('pinned');
  });

  it('pins procedures as procedures, and nothing before somebody has read the body', () => {
    const [finding] = judgeDefiners(examineDefiners([definer({ kind: 'procedure', function: 'we "ird' })], []));
    const [look, ...rest] = finding?.next_step?.split('\n') ?? [];
    expect(look).toMatch(/^SELECT prosrc /);
    expect(rest.every((line) => line.startsWith('-- '))).toBe(true);
    expect(rest.join('\n')).toContain(
      'ALTER PROCEDURE "shop"."we ""ird"(integer) SET search_path = pg_catalog, pg_temp;',
    );
    expect(rest.at(-1)).toContain('SET search_path = pg_catalog, "shop", pg_temp;');
  });
});

describe('row security', () => {
  const table: GuardedTable = {
    schema: 'shop',
    table: 'orders',
    row_security: 'on',
    policies: 1,
    commands: ['all'],
    owner: 'app',
    owner_bypasses: true,
    owner_login: true,
    owner_superuser: false,
    owner_sessions: 0,
    total_rows: 1,
  };
  const view: Bypass = {
    kind: 'view',
    schema: 'shop',
    table: 'all_orders',
    owner: 'postgres',
    because: 'superuser',
    reads: ['shop.orders'],
    open_to: ['app'],
    total_rows: 1,
  };
  const bypasser: Power = {
    role: 'dump',
    power: 'BYPASSRLS',
    own: true,
    inherited: false,
    login: true,
    bootstrap: false,
    through: [],
    of_power: 1,
  };
  const judged = (more: { tables?: GuardedTable[]; bypasses?: Bypass[]; bypassing?: boolean }, major = 18) =>
    judgeGuarded(
      {
        tables: more.tables ?? [table],
        bypasses: more.bypasses ?? [],
        powers: more.bypassing === true ? [bypasser] : [],
      },
      { major },
    );

  it.each([
    ['is in order', {}, []],
    ['is off', { tables: [{ ...table, row_security: 'off' as const }] }, ['warning']],
    ['has an owner who is logged in', { tables: [{ ...table, owner_sessions: 2 }] }, ['notice']],
    ['is forced', { tables: [{ ...table, owner_sessions: 2, row_security: 'forced' as const }] }, []],
    ['is read past by a view', { bypasses: [view] }, ['warning']],
    ['is read past by a view for nobody', { bypasses: [{ ...view, open_to: [] }] }, []],
    ['is bypassed by a role', { bypassing: true }, ['notice']],
    ['is nowhere, so that no role bypasses it', { bypassing: true, tables: [] }, []],
  ])('that %s', (_, more, expected) => {
    expect(severities(judged(more))).toEqual(expected);
  });

  it('is not forced on an owner unseen', () => {
    const step = judged({ tables: [{ ...table, owner_sessions: 2 }] })[0]?.next_step ?? '';
    expect(step).toContain('ALTER TABLE "shop"."orders" FORCE ROW LEVEL SECURITY;');
    expect(step).toContain('vanish');
    expect(step.split('\n').every((line) => line.startsWith('-- '))).toBe(true);
  });

  it('is bypassed through memberships, too', () => {
    const member = { ...bypasser, role: 'etl', own: false, through: ['loaders'] };
    const [finding] = judgeGuarded({ tables: [table], bypasses: [], powers: [member] }, { major: 18 });
    expect(finding?.claim).toBe('"etl" can bypass row security.');
    expect(finding?.next_step).toContain('REVOKE "loaders" FROM "etl";');
  });

  it('has views read as their callers from PostgreSQL 15 on', () => {
    expect(judged({ bypasses: [view] })[0]?.next_step).toContain(
      'ALTER VIEW "shop"."all_orders" SET (security_invoker = true);',
    );
    expect(judged({ bypasses: [view] }, 14)[0]?.next_step).not.toContain('security_invoker');
    expect(judged({ bypasses: [{ ...view, kind: 'materialized_view' }] })[0]?.next_step).not.toContain('ALTER');
  });
});

describe('encryption', () => {
  const totals = {
    sessions: 9,
    hidden: 0,
    over_network: 3,
    unencrypted_over_network: 0,
    unencrypted_public: 0,
    old_tls: 0,
    certificates: 0,
  };
  const on = setting('ssl', 'on');

  it.each([
    ['everything is encrypted', {}, [on], []],
    ['a private network is not', { unencrypted_over_network: 1 }, [on], ['notice']],
    ['the internet is not', { unencrypted_over_network: 2, unencrypted_public: 1 }, [], ['warning']],
    ['TLS is old', { old_tls: 1 }, [on], ['warning']],
    ['old TLS is allowed', {}, [on, setting('ssl_min_protocol_version', 'TLSv1.1')], ['warning']],
    ['any TLS is allowed', {}, [on, setting('ssl_min_protocol_version', '')], ['warning']],
    ['nothing but old TLS is allowed', {}, [on, setting('ssl_max_protocol_version', 'TLSv1')], ['warning']],
    ['nobody chose the old default', {}, [on, setting('ssl_min_protocol_version', 'TLSv1', false)], []],
    [
      'old TLS would be allowed were it on',
      {},
      [setting('ssl', 'off'), setting('ssl_min_protocol_version', 'TLSv1')],
      [],
    ],
  ])('where %s', (_, more, settings, expected) => {
    expect(severities(judgeEncryption({ totals: { ...totals, ...more }, settings, service: null }))).toEqual(expected);
  });
});

it('has a managed service refuse what its customers cannot', () => {
  const totals = {
    sessions: 1,
    hidden: 0,
    over_network: 1,
    unencrypted_over_network: 1,
    unencrypted_public: 0,
    old_tls: 0,
    certificates: 0,
  };
  const step = (service: 'rds' | null) => judgeEncryption({ totals, settings: [], service })[0]?.next_step;
  expect(step('rds')).toContain('-- then have Amazon RDS refuse clients without TLS');
  expect(step(null)).toContain('ssl_cert_file');
});

describe('grants', () => {
  const none = { schemas: [], tables: [], rights: undefined, defaults: [], system: [] };
  const open = { schema: 'public', owner: 'postgres', total_rows: 1 };

  it.each([
    ['nothing', none, 18, []],
    ['public, as it came', { ...none, schemas: [open] }, 14, ['notice']],
    ['public, which somebody opened', { ...none, schemas: [open] }, 15, ['warning']],
    ['another schema', { ...none, schemas: [{ ...open, schema: 'shop' }] }, 12, ['warning']],
    ['connections', { ...none, rights: { connect: true, temporary: true, create: false, readable_tables: 9 } }, 18, []],
    [
      'schemas',
      { ...none, rights: { connect: true, temporary: true, create: true, readable_tables: 0 } },
      18,
      ['warning'],
    ],
  ])('of %s to everybody', (_, grants, major, expected) => {
    expect(severities(judgeGrants(grants, { ...facts, major }))).toEqual(expected);
  });

  it.each([
    [['SELECT'], 'notice'],
    [['SELECT', 'INSERT'], 'warning'],
  ])('of %j by default are %s', (privileges, severity) => {
    const defaults = [{ role: 'app', schema: null, objects: 'TABLES' as const, privileges, total_rows: 1 }];
    expect(judgeGrants({ ...none, defaults }, facts)).toMatchObject([
      { severity, next_step: expect.stringMatching(/^ALTER DEFAULT PRIVILEGES FOR ROLE "app" REVOKE /) },
    ]);
  });

  it('on the hashes of passwords are worst when everybody has them', () => {
    const system = [
      { kind: 'catalog' as const, object: 'pg_authid.rolpassword', grantee: 'PUBLIC', everybody: true, total_rows: 2 },
      { kind: 'catalog' as const, object: 'pg_authid', grantee: 'pool', everybody: false, total_rows: 2 },
    ];
    expect(judgeGrants({ ...none, system }, facts)).toMatchObject([
      {
        severity: 'critical',
        next_step: expect.stringContaining('REVOKE SELECT (rolpassword) ON pg_catalog.pg_authid FROM PUBLIC;'),
      },
      { severity: 'notice', next_step: expect.stringContaining('REVOKE SELECT ON pg_catalog.pg_authid FROM "pool";') },
    ]);
  });
});

describe('exposed objects', () => {
  const none = { options: [], servers: [], languages: [], triggers: [], parameters: [], subscriptions: [] };
  const subscription = {
    subscription: 's',
    owner: 'postgres',
    owner_superuser: true,
    run_as_owner: true,
    enabled: true,
    total_rows: 1,
  };
  const parameter = {
    parameter: 'work_mem',
    grantee: 'app',
    everybody: false,
    privileges: ['SET'],
    dangerous: false,
    total_rows: 1,
  };
  const trigger = {
    trigger: 't',
    event: 'ddl_command_end',
    enabled: true,
    schema: 'shop',
    function: 'f',
    function_owner: 'app',
    owner_superuser: false,
    total_rows: 1,
  };

  it.each([
    ['a subscription of a superuser', { subscriptions: [subscription] }, facts, ['notice']],
    ['one before 16', { subscriptions: [subscription] }, { ...facts, major: 15 }, []],
    ['one that is off', { subscriptions: [{ ...subscription, enabled: false }] }, facts, []],
    [
      'one that runs as the owner of its tables',
      { subscriptions: [{ ...subscription, run_as_owner: false }] },
      facts,
      [],
    ],
    ['a right on a harmless setting', { parameters: [parameter] }, facts, []],
    ['a right of everybody', { parameters: [{ ...parameter, everybody: true }] }, facts, ['notice']],
    ['a right on a dangerous setting', { parameters: [{ ...parameter, dangerous: true }] }, facts, ['warning']],
    ['an event trigger that others can change', { triggers: [trigger] }, facts, ['warning']],
    ['one of a superuser', { triggers: [{ ...trigger, owner_superuser: true }] }, facts, []],
    ['one that is off', { triggers: [{ ...trigger, enabled: false }] }, facts, []],
    ['one on a managed service', { triggers: [trigger] }, { ...facts, service: 'rds' as const }, []],
    [
      'an untrusted language',
      { languages: [{ language: 'plpython3u', functions: 1, public_functions: 0, total_rows: 1 }] },
      facts,
      ['notice'],
    ],
    [
      'one that everybody uses',
      { languages: [{ language: 'plpython3u', functions: 1, public_functions: 1, total_rows: 1 }] },
      facts,
      ['warning'],
    ],
    [
      'a server that everybody may use',
      { servers: [{ server: 's', owner: 'app', usage: true, mapping: false, total_rows: 1 }] },
      facts,
      [],
    ],
  ])('%s', (_, more, about, expected) => {
    expect(severities(judgeExposed({ ...none, ...more }, about))).toEqual(expected);
  });
});

it.each([
  ['lo_compat_privileges', 'on', ['warning']],
  ['lo_compat_privileges', 'off', []],
  ['scram_iterations', '1000', ['notice']],
  ['scram_iterations', '4096', []],
  ['row_security', 'off', []],
])('judges that %s is %s', (name, value, expected) => {
  expect(severities(judgeAuditSettings([{ name, value }], null))).toEqual(expected);
});

it('pages rows by their own total', () => {
  const rows = [1, 2, 3].map((n) => ({ n, total_rows: 9 }));
  expect(pageOf(rows, 2)).toEqual({ rows: [{ n: 1 }, { n: 2 }], truncated: true, total: 9 });
  expect(pageOf([{ n: 1, total_rows: 1 }], 2)).toEqual({ rows: [{ n: 1 }], truncated: false, total: 1 });
  expect(pageOf([], 2)).toEqual({ rows: [], truncated: false, total: 0 });
});
