import { describe, expect, it } from 'vitest';
import type { ConnectionFacts } from '../kit/index.ts';
import { covers, reachOf } from './hba-reach.ts';
import { unreadHba } from './hba-right.ts';
import { showAddress, showError, showOption, type StoredRule } from './hba-rule.ts';
import { examineRules } from './hba-verdict.ts';
import { judgeHba, judgeIdent } from './judge-hba.ts';

/** A line of pg_hba.conf, as the view has it. */
function rule(line: string, more: Partial<StoredRule> = {}): StoredRule {
  const [type = '', database = '', user = '', ...rest] = line.split(' ');
  const [address = null, netmask = null] = type === 'local' ? [] : (rest.shift() ?? '').split('/');
  const [method = '', ...options] = rest;
  return {
    rule: 1,
    file: null,
    line: 1,
    type,
    database: database.split(','),
    user: user.split(','),
    address,
    netmask,
    method,
    options,
    error: null,
    ...more,
  };
}

const numbered = (lines: readonly string[]) => lines.map((each, i) => rule(each, { line: i + 1, rule: i + 1 }));
const concern = (line: string) => examineRules([rule(line)])[0]?.concern ?? null;

describe('addresses', () => {
  it.each([
    ['10.0.0.0', '255.0.0.0', '10.0.0.0/8'],
    ['127.0.0.1', '255.255.255.255', '127.0.0.1/32'],
    ['0.0.0.0', '0.0.0.0', '0.0.0.0/0'],
    ['::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::1/128'],
    ['fe80::', 'ffc0::', 'fe80::/10'],
    ['::', '::', '::/0'],
    ['10.0.0.0', '255.0.255.0', '10.0.0.0 255.0.255.0'],
    ['samenet', null, 'samenet'],
    [null, null, null],
  ])('of %s and %s read %s', (address, netmask, shown) => {
    expect(showAddress({ address, netmask })).toBe(shown);
  });

  it.each([
    ['local all all trust', 'local'],
    ['host all all 127.0.0.1/255.255.255.255 trust', 'loopback'],
    ['host all all 127.0.0.0/255.0.0.0 trust', 'loopback'],
    ['host all all ::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff trust', 'loopback'],
    ['host all all localhost trust', 'loopback'],
    ['host all all samehost trust', 'loopback'],
    ['host all all 96.0.0.0/224.0.0.0 trust', 'network'],
    ['host all all 127.0.0.0/224.0.0.0 trust', 'network'],
    ['host all all 10.1.2.3/255.255.255.255 trust', 'host'],
    ['host all all db.example.com trust', 'host'],
    ['host all all .example.com trust', 'network'],
    ['host all all samenet trust', 'network'],
    ['host all all 10.0.0.0/255.0.255.0 trust', 'network'],
    ['host all all 10.0.0.0/255.0.0.0 trust', 'network'],
    ['host all all 0.0.0.0/0.0.0.0 trust', 'anywhere'],
    ['host all all ::/:: trust', 'anywhere'],
    ['host all all all trust', 'anywhere'],
  ])('of %s reach %s', (line, reach) => {
    expect(reachOf(rule(line))).toBe(reach);
  });
});

describe('rules that others decide before', () => {
  it.each([
    ['host all all all md5', 'host all all 10.0.0.1/255.255.255.255 reject', true],
    ['host all all 10.0.0.0/255.0.0.0 md5', 'hostssl shop app 10.9.0.0/255.255.0.0 cert', true],
    ['hostssl all all all md5', 'host all all all md5', false],
    ['host all all 10.9.0.0/255.255.0.0 md5', 'host all all 10.0.0.0/255.0.0.0 md5', false],
    ['host all all 10.0.0.0/255.0.0.0 md5', 'host all all 11.0.0.0/255.0.0.0 md5', false],
    ['host all all 0.0.0.0/0.0.0.0 md5', 'host all all ::/:: md5', false],
    ['host all all all md5', 'host replication all all md5', false],
    ['host replication all all md5', 'host replication app all md5', true],
    ['host all app all md5', 'host all app,bob all md5', false],
    ['host all app,bob all md5', 'host shop bob all md5', true],
    ['host all +staff all md5', 'host all bob all md5', false],
    ['local all all peer', 'local all postgres peer', true],
    ['local all all peer', 'host all all all md5', false],
    ['hostnossl all all all reject', 'hostnogssenc all all all md5', false],
    ['host all all samenet md5', 'host all all samenet reject', true],
    ['host all all samenet md5', 'host all all samehost md5', false],
  ])('%s before %s: %s', (first, second, covered) => {
    expect(covers(rule(first), rule(second))).toBe(covered);
  });

  it('are told apart from those that are reached, whatever lines with errors say', () => {
    const lines = [
      'local all all peer',
      'local shop all peer',
      'host all all all scram-sha-256',
      'host all bob all reject',
    ];
    const examined = examineRules([rule('local all all peer', { type: null, error: 'wrong' }), ...numbered(lines)]);
    expect(examined.map(({ concern, covered_by }) => [concern, covered_by])).toEqual([
      ['error', null],
      [null, null],
      ['never_reached', 1],
      ['from_anywhere', null],
      ['never_reached', 3],
    ]);
    expect(judgeHba(examined).map(({ severity, claim }) => [severity, claim])).toEqual([
      ['critical', expect.stringContaining('holds errors')],
      ['notice', expect.stringContaining('from every address')],
      ['warning', 'Line 4 of pg_hba.conf rejects nobody: line 3 decides before.'],
      ['notice', 'Line 2 of pg_hba.conf decides on nothing: line 1 decides before.'],
    ]);
  });
});

describe('concerns', () => {
  it.each([
    ['local all all peer', null],
    ['local all all trust', 'no_password'],
    ['hostssl all all all trust clientcert=verify-full', null],
    ['hostssl all all all trust map=x', 'no_password'],
    ['host all all 10.0.0.0/255.0.0.0 ident', 'identd'],
    ['host all all 127.0.0.1/255.255.255.255 ident', null],
    ['host all all 10.0.0.0/255.0.0.0 password', 'clear_password'],
    ['hostssl all all 10.0.0.0/255.0.0.0 password', null],
    ['host all all 127.0.0.1/255.255.255.255 password', null],
    ['hostnossl shop app 10.0.0.0/255.0.0.0 scram-sha-256', 'unencrypted'],
    ['hostnossl all all all reject', null],
    ['host all all all scram-sha-256', 'from_anywhere'],
    ['host shop all all scram-sha-256', null],
    ['host all app all scram-sha-256', null],
    ['hostssl all all all scram-sha-256', null],
    ['hostssl all all all ldap ldapserver=x', 'clear_to_ldap'],
    ['hostssl all all all ldap ldapserver=x ldaptls=1', null],
    ['hostssl all all all ldap ldapscheme=ldaps', null],
    ['hostssl all all 10.0.0.0/255.0.0.0 md5', 'md5'],
    ['host all all 127.0.0.1/255.255.255.255 md5', null],
    ['hostssl all all all cert', null],
  ])('of %s: %s', (line, expected) => {
    expect(concern(line)).toBe(expected);
  });

  it.each([
    ['host all all 0.0.0.0/0.0.0.0 trust', 'critical'],
    ['host all all 10.0.0.0/255.0.0.0 trust', 'critical'],
    ['host replication standby 10.0.0.5/255.255.255.255 trust', 'warning'],
    ['host all all 127.0.0.1/255.255.255.255 trust', 'warning'],
    ['local all all trust', 'warning'],
    ['host all all 10.0.0.0/255.0.0.0 password', 'warning'],
    ['host all all 10.0.0.0/255.0.0.0 md5', 'notice'],
    ['hostssl all all 10.0.0.0/255.0.0.0 scram-sha-256', undefined],
  ])('%s is %s', (line, severity) => {
    expect(judgeHba(examineRules([rule(line)]))[0]?.severity).toBe(severity);
  });

  it('tell a line that could not be read from one that only matches nothing', () => {
    const off = rule('hostssl all all all trust', { error: 'hostssl record cannot match because SSL is disabled' });
    expect(examineRules([off])[0]?.concern).toBe('cannot_match');
    expect(judgeHba(examineRules([off]))).toMatchObject([{ severity: 'notice', evidence: { error: off.error } }]);
    // such as of RADIUS servers that have no address
    const unsaid = rule('host all all all radius', { type: null });
    expect(judgeHba(examineRules([unsaid]))).toMatchObject([
      { severity: 'critical', evidence: { error: 'PostgreSQL does not say' } },
    ]);
  });

  it('make one finding of what trusts everybody on the machine', () => {
    const lines = [
      'local all all trust',
      'local replication all trust',
      'host all all 127.0.0.1/255.255.255.255 trust',
    ];
    expect(judgeHba(examineRules(numbered(lines)))).toMatchObject([
      { evidence: { rules: 3, first: 'local all all trust' } },
    ]);
  });
});

describe('what is shown', () => {
  it.each([
    ['ldapserver=ldap.example.com', 'ldapserver=ldap.example.com'],
    ['clientcert=verify-full', 'clientcert=verify-full'],
    ['ldapbindpasswd=my secret', 'ldapbindpasswd=[withheld]'],
    ['radiussecrets="one two"', 'radiussecrets=[withheld]'],
    ['ldapbinddn=cn=admin', 'ldapbinddn=[withheld]'],
    ['unheard_of=x', 'unheard_of=[withheld]'],
    ['flag', 'flag'],
  ])('of the option %s is %s', (option, shown) => {
    expect(showOption(option)).toBe(shown);
  });

  it('of an error is not the rest of a secret', () => {
    expect(showError('authentication option not in name=value format: hunter2')).toBe(
      'authentication option not in name=value format: [withheld]',
    );
    expect(showError('could not parse RADIUS secret list "hunter2, x"')).toBe(
      'could not parse RADIUS secret list "[withheld]"',
    );
    expect(showError('invalid authentication method "scramble"')).toBe('invalid authentication method "scramble"');
  });

  it('of maps is an error, and nothing where there is none', () => {
    const map = { file: null, line: 3, map: 'm', system_user: 'a', role: 'b', error: null };
    expect(judgeIdent([map])).toEqual([]);
    expect(judgeIdent([map, { ...map, error: 'wrong' }])).toMatchObject([
      { severity: 'warning', evidence: { count: 1, line: 3 } },
    ]);
  });
});

describe('what of the files is not to be seen', () => {
  const facts: ConnectionFacts = {
    versionNum: 180_000,
    major: 18,
    version: '18.0',
    inRecovery: false,
    database: 'shop',
    service: null,
    role: {
      name: 'mon"itor',
      superuser: false,
      createRole: false,
      createDatabase: false,
      replication: false,
      bypassRls: false,
      predefinedRoles: ['pg_monitor'],
      effectiveRoles: ['pg_monitor'],
    },
  };

  it('comes with the grants that would show it', () => {
    const [gap] = unreadHba(facts, false, false);
    expect(gap?.what).toBe('the rules of pg_hba.conf and the maps of pg_ident.conf');
    expect(gap?.remedy?.split('\n').slice(1)).toEqual([
      'GRANT SELECT ON pg_catalog.pg_hba_file_rules TO "mon""itor";',
      'GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO "mon""itor";',
      'GRANT SELECT ON pg_catalog.pg_ident_file_mappings TO "mon""itor";',
      'GRANT EXECUTE ON FUNCTION pg_catalog.pg_ident_file_mappings() TO "mon""itor";',
    ]);
    expect(unreadHba(facts, true, false)[0]?.what).toBe('the maps of pg_ident.conf');
    expect(unreadHba(facts, true, true)).toEqual([]);
  });

  it('is nothing more where PostgreSQL has no more to show', () => {
    expect(unreadHba({ ...facts, major: 14 }, true, false)).toEqual([]);
    expect(unreadHba({ ...facts, major: 14 }, false, false)[0]?.remedy).not.toContain('pg_ident');
  });

  it('is nobody’s to grant on a managed service', () => {
    expect(unreadHba({ ...facts, service: 'rds' }, false, false)).toEqual([
      { what: expect.any(String), reason: 'Amazon RDS keeps the files to itself.' },
    ]);
  });
});
