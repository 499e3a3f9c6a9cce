import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, param, sql } from '../../src/postgres/sql.ts';
import { networkOf } from '../../src/tools/security/session-encryption.ts';
import { createAuthority } from '../certificates.ts';
import { startOwnServer, type OwnServer } from '../own-server.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
import {
  loginsOf,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { fieldsOf, objects } from './advice.ts';

const listOf = (answer: Answer, part: string) => answer[part] as readonly Row[];

describeEachMajor('hba_rules and encrypted_connections', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);
  const { major } = cluster;

  const mine = (answer: Answer) => answer.rows.filter(({ database }) => database === clone().name);

  it('shows a superuser the rules as the server tries them', async () => {
    const answer = await howdah('superuser').call('hba_rules');
    expect(fieldsOf(answer, 'rule', 'line', 'type', 'database', 'user', 'address', 'method', 'concern')).toEqual([
      [1, 2, 'local', ['all'], ['postgres'], null, 'trust', 'no_password'],
      [2, 3, 'local', ['replication'], ['postgres'], null, 'trust', 'no_password'],
      [3, 4, 'local', ['all'], ['all'], null, 'scram-sha-256', null],
      [4, 5, 'host', ['all'], ['all'], '127.0.0.1/32', 'scram-sha-256', null],
    ]);
    expect(answer.findings).toMatchObject([{ severity: 'warning', evidence: { rules: 2 } }]);
    expect(answer['ident_maps']).toEqual(major >= 15 ? [] : null);
  });

  it.each(['monitor', 'plain'] as const)(
    'tells %s what a superuser would have to grant, and then shows it',
    async (login) => {
      const refused = await howdah(login).attempt('hba_rules');
      expect(refused).toMatchObject({ ok: false, error: { code: 'UNSUPPORTED' } });
      const grants = refused.ok ? '' : String(refused.error.hint);
      expect(grants).toContain(`GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO "${login}";`);
      await runAs(clone().superuserUrl, ...grants.split('\n').filter((line) => line.startsWith('GRANT')));
      const answer = await howdah(login).call('hba_rules');
      expect(answer.rows).toHaveLength(4);
      expect(answer['ident_maps']).toEqual(major >= 15 ? [] : null);
      expect(answer).not.toHaveProperty('not_examined');
      const audit = await howdah(login).call('security_audit');
      expect(audit.findings).toContainEqual(answer.findings[0]);
    },
  );

  it('shows sessions as they are encrypted, and those of others only to who may see them', async () => {
    await withSession(clone().superuserUrl, async () => {
      const seen = await howdah('monitor').call('encrypted_connections', { limit: 500 });
      expect(mine(seen)).toContainEqual(
        expect.objectContaining({
          user: 'postgres',
          network: 'loopback',
          encryption: 'none',
          version: null,
          client_address: '127.0.0.1',
        }),
      );
      expect(seen['sessions']).toMatchObject({ hidden: 0, over_network: 0, unencrypted_over_network: 0 });
      expect(seen).not.toHaveProperty('not_examined');
      const hidden = await howdah('plain').call('encrypted_connections', { limit: 500 });
      expect(mine(hidden).map(({ user }) => user)).toEqual(['plain']);
      expect(Number((hidden['sessions'] as Row)['hidden'])).toBeGreaterThan(0);
      expect(hidden.not_examined?.map(({ remedy }) => remedy)).toEqual(Array(2).fill('GRANT pg_monitor TO "plain";'));
    });
  });

  it.each(loginsOf(cluster))('shows what the server offers, and files by their names only, for %s', async (login) => {
    const settings = listOf(await howdah(login).call('encrypted_connections'), 'settings');
    expect(settings[0]).toEqual({ name: 'ssl', value: 'off', set: false });
    expect(settings).toContainEqual({ name: 'ssl_key_file', value: 'server.key', set: false });
    expect(JSON.stringify(settings)).not.toContain('/');
  });

  it.each([
    [null, 'local'],
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['169.254.1.1', 'private'],
    ['fd00::2', 'private'],
    ['fe80::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['2001:db8::1', 'public'],
    ['8.8.8.8', 'public'],
  ])('takes a client at %s for %s', async (address, network) => {
    const { text } = compile(sql`select ${networkOf(sql`${param('address')}::inet`)} as network`);
    const rows = await withSession(
      clone().plainUrl,
      async (session) => (await session.query(text, [address])).rows as Row[],
    );
    expect(rows).toEqual([{ network }]);
  });
});

const secret = `planted${randomBytes(8).toString('hex')}`;
const RULES = [
  'local all postgres trust', // the login of the tests
  'host all postgres 127.0.0.1/32 scram-sha-256',
  'host all all 0.0.0.0/0 trust',
  'hostnogssenc shop app 10.0.0.0/8 reject', // which the line before lets in
  'host replication repl 10.0.0.5 255.255.255.255 trust',
  'host replication all 10.1.0.0/16 password',
  'hostnossl replication all 10.2.0.0/16 scram-sha-256',
  `hostnogssenc replication all fd00::/8 radius radiusservers=127.0.0.1 radiussecrets=${secret}`,
  'hostssl replication +staff 10.4.0.0/16 cert map=staff clientcert=verify-full',
  'local replication +staff peer map=staff',
];

describe('hba_rules of a server with every kind of mistake', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer();
  }, 60_000);
  afterAll(() => server.stop());

  it('judges each, shows no secret, and says what an error does', async () => {
    const file = join(dirname(server.dataDir), 'pg_hba.conf');
    const sound = readFileSync(file, 'utf8');
    const howdah = await openHowdah(server.url);
    try {
      writeFileSync(file, RULES.join('\n'));
      writeFileSync(join(server.dataDir, 'pg_ident.conf'), 'staff "CN=bob" bob\n');
      const answer = await howdah.call('hba_rules');
      expect(fieldsOf(answer, 'line', 'concern', 'covered_by')).toEqual([
        [1, 'no_password', null],
        [2, null, null],
        [3, 'no_password', null],
        [4, 'never_reached', 3],
        [5, 'no_password', null],
        [6, 'clear_password', null],
        [7, 'unencrypted', null],
        [8, null, null],
        [9, 'cannot_match', null], // there is no TLS
        [10, null, null],
      ]);
      expect(objects(answer)).toEqual([
        'critical line 3',
        'warning line 5',
        'warning undefined', // the machine itself
        'warning line 6',
        'warning line 4',
        'notice line 7',
        'notice line 9',
      ]);
      expect(answer.rows[4]).toMatchObject({ address: '10.0.0.5/32', user: ['repl'] });
      expect(answer.rows[7]?.['options']).toEqual(['radiusservers=127.0.0.1', 'radiussecrets=[withheld]']);
      expect(answer.rows[9]?.['options']).toEqual(['map=staff']);
      expect(answer['ident_maps']).toMatchObject([{ map: 'staff', system_user: 'CN=bob', role: 'bob', error: null }]);
      expect(JSON.stringify(answer)).not.toContain(secret);

      writeFileSync(
        file,
        [...RULES, `host all all all radius radiusservers=127.0.0.1 radiussecrets=a ${secret}`, 'host all'].join('\n'),
      );
      writeFileSync(join(server.dataDir, 'pg_ident.conf'), 'staff\n');
      const wrong = await howdah.call('hba_rules');
      expect(fieldsOf(wrong, 'line', 'concern').slice(0, 2)).toEqual([
        [11, 'error'],
        [12, 'error'],
      ]);
      expect(wrong.findings[0]).toMatchObject({ severity: 'critical', evidence: { count: 2, line: 11 } });
      expect(wrong.findings).toContainEqual(
        expect.objectContaining({ severity: 'warning', evidence: expect.objectContaining({ line: 1 }) }),
      );
      expect(JSON.stringify(wrong)).not.toContain(secret);
      const short = await howdah.call('hba_rules', { limit: 2 });
      expect(short).toMatchObject({ truncated: true, total: 12, findings: wrong.findings });
    } finally {
      writeFileSync(file, sound);
      await howdah.close();
    }
  });
});

describe('hba_rules of a server whose other databases are closed', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer();
  }, 60_000);
  afterAll(() => server.stop());

  it('names none of them, in rows or in findings', async () => {
    const file = join(dirname(server.dataDir), 'pg_hba.conf');
    const sound = readFileSync(file, 'utf8');
    const open = decodeURIComponent(new URL(server.url).pathname.slice(1));
    writeFileSync(
      file,
      `host ${open},payroll,replication all 10.0.0.0/8 trust\nhost payroll all 10.1.0.0/16 trust\n${sound}`,
    );
    const howdah = await openNarrowHowdah(server.url, open);
    try {
      const answer = await howdah.call('hba_rules');
      expect(answer.rows.slice(0, 2).map(({ database }) => database)).toEqual([
        [open, '[withheld]', 'replication'],
        ['[withheld]'],
      ]);
      expect(answer.not_examined).toContainEqual(expect.objectContaining({ what: 'names of databases in 2 rules' }));
      for (const tool of ['hba_rules', 'security_audit', 'health_check']) {
        const told = await howdah.call(tool, tool === 'health_check' ? { areas: ['security'], detail: 'answers' } : {});
        expect(JSON.stringify(told)).toContain('Line 1 of pg_hba.conf lets in without a password');
        expect(JSON.stringify(told)).not.toContain('payroll');
      }
    } finally {
      writeFileSync(file, sound);
      await howdah.close();
    }
  });
});

describe('encrypted_connections of a server with TLS', () => {
  const authority = createAuthority('howdah test');
  const { certificate, key } = authority.issue('localhost', { dns: ['localhost'] });
  const client = authority.issue('app of "the shop"');
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer(
      {
        ssl: 'on',
        ssl_cert_file: '$HOME/server.crt',
        ssl_key_file: '$HOME/server.key',
        ssl_ca_file: '$HOME/ca.crt',
        ssl_min_protocol_version: 'TLSv1.1',
      },
      { 'server.crt': certificate, 'server.key': key, 'ca.crt': authority.certificate },
    );
  }, 60_000);
  afterAll(() => server.stop());

  it('tells them by version and cipher, and by the certificates of clients', async () => {
    const howdah = await openHowdah(`${server.url}?sslmode=disable`);
    const ssl = { ca: authority.certificate, rejectUnauthorized: false };
    const sessions = [
      new pg.Client({ connectionString: server.url, ssl }),
      new pg.Client({ connectionString: server.url, ssl: { ...ssl, cert: client.certificate, key: client.key } }),
    ];
    try {
      for (const session of sessions) await session.connect();
      const answer = await howdah.call('encrypted_connections');
      expect(fieldsOf(answer, 'encryption', 'version', 'client_certificate', 'sessions')).toEqual([
        ['none', null, null, 1],
        ['tls', 'TLSv1.3', expect.stringMatching(/^\/?CN=app of/), 1],
        ['tls', 'TLSv1.3', null, 1],
      ]);
      expect(answer.rows[1]).toMatchObject({ cipher: expect.stringMatching(/^TLS_/), bits: 256 });
      expect(answer['sessions']).toMatchObject({ sessions: 3, certificates: 1, old_tls: 0, over_network: 0 });
      expect(objects(answer)).toEqual(['warning "ssl_min_protocol_version"']);
      expect(listOf(answer, 'settings')).toEqual(
        expect.arrayContaining([
          { name: 'ssl', value: 'on', set: true },
          { name: 'ssl_ca_file', value: 'ca.crt', set: true },
        ]),
      );
      await runSql(server, 'postgres', 'select 1');
    } finally {
      for (const session of sessions) await session.end();
      await howdah.close();
    }
  });
});
