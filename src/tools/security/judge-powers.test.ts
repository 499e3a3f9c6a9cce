import { expect, it } from 'vitest';
import { judgePowers } from './judge-powers.ts';
import type { Power } from './role-power.ts';

const power = (name: string, more: Partial<Power> = {}): Power => ({
  role: 'alice',
  power: name,
  own: false,
  inherited: true,
  login: true,
  bootstrap: false,
  through: ['ops'],
  of_power: 1,
  ...more,
});
const own = { own: true, through: [] };
const first = power('SUPERUSER', { ...own, role: 'postgres', bootstrap: true });

it.each<[string, Power, number, string[]]>([
  ['the first superuser', first, 18, []],
  ['another superuser', power('SUPERUSER', own), 18, ['notice']],
  ['a member of a superuser', power('SUPERUSER', { inherited: false }), 18, ['notice']],
  ['who runs programs', power('pg_execute_server_program'), 18, ['warning']],
  ['who writes files', power('pg_write_server_files'), 12, ['warning']],
  ['who reads files', power('pg_read_server_files'), 12, ['warning']],
  ['CREATEROLE before 16', power('CREATEROLE', own), 15, ['warning']],
  ['CREATEROLE from 16 on', power('CREATEROLE', own), 16, []],
  ['who writes all data', power('pg_write_all_data'), 18, ['notice']],
  ['who reads all data', power('pg_read_all_data'), 18, []],
  ['who replicates', power('REPLICATION', own), 18, []],
  ['who bypasses row security, which matters where there is some', power('BYPASSRLS', own), 18, []],
])('judges %s', (_, row, major, severities) => {
  expect(judgePowers([row], { major, service: null }).map(({ severity }) => severity)).toEqual(severities);
});

it('says nothing of attributes that an operator gives to its own roles', () => {
  const rows = [first, power('SUPERUSER', own), power('CREATEROLE', own), power('pg_read_server_files')];
  expect(judgePowers(rows, { major: 15, service: 'rds' }).map(({ evidence }) => evidence['power'])).toEqual([
    'pg_read_server_files',
  ]);
});

it('counts those that were not read, too', () => {
  const many = Array.from({ length: 50 }, (_, n) => power('pg_read_server_files', { role: `r${n}`, of_power: 2000 }));
  expect(judgePowers(many, { major: 18, service: null })).toMatchObject([
    { claim: expect.stringMatching(/^2000 roles/), evidence: { count: 50 } },
  ]);
  const superusers = [first, power('SUPERUSER', own), power('SUPERUSER', { ...own, role: 'bob' })].map((each) => ({
    ...each,
    of_power: 60,
  }));
  expect(judgePowers(superusers, { major: 18, service: null })).toMatchObject([
    { claim: '59 roles are superusers, beside the first role of the cluster.' },
  ]);
});

it('takes back the membership that it comes through', () => {
  const [finding] = judgePowers([power('pg_read_server_files', { role: `x"\n; DROP ROLE y` })], {
    major: 18,
    service: null,
  });
  expect(finding?.next_step?.split('\n').at(-1)).toBe('-- if it need not: REVOKE "ops" FROM "x"" ; DROP ROLE y";');
});
