import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PlatformError } from '../src/core/errors.ts';
import { createPermits, openPool, type Pool } from '../src/postgres/pool.ts';
import type { ConnectionTarget } from '../src/postgres/target.ts';
import { createAuthority } from './certificates.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { failureOf, inSession, pidOf, rowsOf, targetOf } from './session-kit.ts';

const pools: Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function open(target: ConnectionTarget, permits = createPermits(1)): Pool {
  const pool = openPool(target, { permits });
  pools.push(pool);
  return pool;
}

/** Trusts that authority only, and expects another host. */
function verifying(url: string, ca: string): ConnectionTarget {
  const target = targetOf(`${url}?sslmode=require`);
  const options = { ca, host: 'elsewhere', servername: 'elsewhere', rejectUnauthorized: true };
  return { ...target, tls: async (host) => ({ ...(await target.tls(host)), mode: 'verify-full', options }) };
}

function failureAt(url: string, overrides: Partial<ConnectionTarget> = {}, timeoutMs = 10_000): Promise<PlatformError> {
  return failureOf(pidOf(open(targetOf(url, overrides)), timeoutMs));
}

describeEachMajor('a login', (cluster) => {
  const clone = useClone(cluster);

  it('says when there is no such database', async () => {
    const failure = await failureOf(pidOf(open(targetOf(clone().superuserUrl, { database: 'nowhere' }))));
    expect(failure).toMatchObject({ code: 'NOT_FOUND', details: { sqlstate: '3D000' } });
    expect(failure.message).toBe(`127.0.0.1:${cluster.port} has no such database: database "nowhere" does not exist.`);
  });

  it('says that the password is wrong, and never what it was', async () => {
    const url = new URL(clone().superuserUrl);
    url.password = 'Tr0ub4dor';
    const failure = await failureOf(pidOf(open(targetOf(url.href))));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '28P01' } });
    expect(failure.message).toBe(
      `127.0.0.1:${cluster.port} refuses the login: password authentication failed for user "postgres".`,
    );
    expect(`${JSON.stringify(failure)} ${failure.stack} ${String(failure.cause)}`).not.toContain('Tr0ub4dor');
  });

  it('says that a password is wanted when there is none', async () => {
    const failure = await failureOf(pidOf(open(targetOf(`postgres://postgres@127.0.0.1:${cluster.port}/postgres`))));
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toContain('asks for a password, and none is known for user "postgres"');
  });

  it('says when the role has used up its connections, and what can be done', async () => {
    await runSql(cluster, 'postgres', `create role few login password 'few' connection limit 1`);
    const url = new URL(clone().superuserUrl);
    url.username = url.password = 'few';
    const permits = createPermits(2);
    const pool = open(targetOf(url.href), permits);
    try {
      const busy = rowsOf(pool, 'select pg_sleep(0.5)');
      await sleep(200);
      const failure = await failureOf(rowsOf(pool, 'select 1'));
      expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '53300' } });
      expect(failure.message).toContain('has no room for a connection: too many connections for role "few"');
      expect(failure.hint).toContain('connection slots');
      await busy;
      expect(await rowsOf(pool, 'select 1 as n')).toEqual([{ n: 1 }]);
    } finally {
      await pool.close();
      await expect
        .poll(() => runSql(cluster, 'postgres', 'drop role few').then(() => 'dropped', String))
        .toBe('dropped');
    }
  });

  it('works by the Unix socket', async () => {
    const target = targetOf(`postgres://postgres@/${clone().name}?host=${cluster.socketDir}&port=${cluster.port}`);
    expect(await pidOf(open(target))).toBeGreaterThan(0);
  });
});

describe('a login', () => {
  const cluster = newestCluster();
  const refused = { host: '127.0.0.1', port: 1 };
  const impostors: Server[] = [];
  afterEach(async () => {
    await Promise.all(impostors.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** Something else that listens on a port, and answers whatever it is told with `answer`. */
  async function startImpostor(answer: string | undefined): Promise<{ host: string; port: number }> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => answer !== undefined && socket.end(answer));
    });
    impostors.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  it.each([
    ['nothing listens', 'postgres://x@127.0.0.1:1/x', '127.0.0.1:1 refuses connections: nothing listens there.'],
    ['there is no socket', 'postgres://x@/x?host=/nonexistent&port=1', '/nonexistent/.s.PGSQL.1 does not exist.'],
    ['there is no such host', 'postgres://x@host.invalid:1/x', /^host\.invalid:1 has a host name that/],
  ])('says that %s', async (_, url, message) => {
    const failure = await failureAt(url);
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toMatch(message);
    expect(failure.hint).toBeTypeOf('string');
  });

  it.each([
    ['does not speak its protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['closed the connection before it was ready', ''],
    ['could not be logged in to: Unknown authenticationOk message type 7', 'R\0\0\0\x08\0\0\0\x07'],
  ])('says that the other side %s', async (message, answer) => {
    const at = await startImpostor(answer);
    const failure = await failureAt('postgres://x@h/x?sslmode=disable', { hosts: [at] });
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toContain(message.replace('its protocol', "PostgreSQL's protocol"));
  });

  it('waits for an answer no longer than connect_timeout', async () => {
    const at = await startImpostor(undefined);
    const begun = performance.now();
    const failure = await failureAt('postgres://x@h/x', { hosts: [at], connectTimeoutMs: 200 });
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(failure.message).toContain('did not answer within 200 ms');
  });

  it('ends at the deadline of the call', async () => {
    const at = await startImpostor(undefined);
    const failure = await failureAt('postgres://x@h/x', { hosts: [at] }, 200);
    expect(failure.code).toBe('TIMEOUT');
  });

  it('says that the server does not offer TLS when it is required', async () => {
    const failure = await failureAt(`${cluster.superuserUrl}?sslmode=require`);
    expect(failure.message).toContain('cannot be spoken to encrypted: the server does not offer TLS');
    expect(await pidOf(open(targetOf(`${cluster.superuserUrl}?sslmode=prefer`)))).toBeGreaterThan(0);
  });

  it('goes on to the next host when one cannot be reached', async () => {
    const { hosts } = targetOf(cluster.superuserUrl);
    const pool = open(targetOf(cluster.superuserUrl, { hosts: [refused, ...hosts] }));
    expect(await pidOf(pool)).toBeGreaterThan(0);
  });

  it('names every host that it has tried', async () => {
    const hosts = [refused, { host: '/nonexistent', port: 2 }];
    const failure = await failureAt(cluster.superuserUrl, { hosts });
    expect(failure.message).toBe(
      'None of the hosts can be used: 127.0.0.1:1 refuses connections: nothing listens there. /nonexistent/.s.PGSQL.2 does not exist.',
    );
  });

  it('does not offer a refused password to the next host', async () => {
    const wrong = new URL(cluster.superuserUrl);
    wrong.password = 'wrong';
    const { hosts } = targetOf(cluster.superuserUrl);
    const failure = await failureAt(wrong.href, { hosts: [...hosts, refused] });
    expect(failure.details).toEqual({ sqlstate: '28P01' });
    expect(failure.message).not.toContain('None of the hosts');
  });
});

describeEachStandby('target_session_attrs', ({ standby, ...primary }) => {
  const recovers = async (wanted: ConnectionTarget['targetSessionAttrs'], urls: readonly string[]) => {
    const hosts = urls.flatMap((url) => targetOf(url).hosts);
    const pool = open(targetOf(primary.superuserUrl, { hosts, targetSessionAttrs: wanted }));
    return inSession(pool, (session) => Promise.resolve(session.facts.inRecovery));
  };
  const both = [primary.superuserUrl, standby.superuserUrl];

  it.each([
    ['primary', false],
    ['read-write', false],
    ['standby', true],
    ['read-only', true],
    ['prefer-standby', true],
  ] as const)('%s finds its host', async (wanted, inRecovery) => {
    expect(await recovers(wanted, both)).toBe(inRecovery);
    expect(await recovers(wanted, both.toReversed())).toBe(inRecovery);
  });

  it('prefer-standby takes a primary where there is no other', async () => {
    expect(await recovers('prefer-standby', [primary.superuserUrl])).toBe(false);
  });

  it('says why no host fits', async () => {
    const failure = await failureOf(recovers('standby', [primary.superuserUrl]));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', message: expect.stringContaining('is no standby') });
  });
});

describe('a login over TLS', () => {
  let server: OwnServer;
  const authority = createAuthority('Test authority');
  const files = () => {
    const { certificate, key } = authority.issue('localhost', { dns: ['localhost'], ip: ['127.0.0.1'] });
    return { 'server.crt': certificate, 'server.key': key };
  };
  beforeAll(async () => {
    const settings = { ssl: 'on', ssl_cert_file: '$HOME/server.crt', ssl_key_file: '$HOME/server.key' };
    server = await startOwnServer(
      { ...settings, hba_file: '$HOME/hba' },
      {
        ...files(),
        hba: `local all all trust
            hostssl all tls_only all scram-sha-256
            hostnossl all plain_only all scram-sha-256
            host all postgres all scram-sha-256`,
      },
    );
    await runSql(
      server,
      'postgres',
      `
      create role tls_only login password 'tls_only'; create role plain_only login password 'plain_only'`,
    );
  }, 60_000);
  afterAll(() => server.stop());

  const as = (role: string, mode: string) => {
    const url = new URL(`${server.url}?sslmode=${mode}`);
    url.username = url.password = role;
    return open(targetOf(url.href));
  };
  const encrypted = async (role: string, mode: string) => {
    const [row] = await rowsOf(as(role, mode), 'select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    return row?.['ssl'];
  };

  it.each([
    ['tls_only', 'allow', true],
    ['tls_only', 'prefer', true],
    ['tls_only', 'require', true],
    ['plain_only', 'disable', false],
    ['plain_only', 'allow', false],
    ['plain_only', 'prefer', false],
  ])('as a role that is %s, with sslmode %s, is encrypted: %s', async (role, mode, expected) => {
    expect(await encrypted(role, mode)).toBe(expected);
  });

  it.each([
    ['tls_only', 'disable', 'no encryption'],
    ['plain_only', 'require', 'SSL encryption'],
  ])('as a role that is %s is refused with sslmode %s, in words', async (role, mode, words) => {
    const failure = await failureOf(encrypted(role, mode));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '28000' } });
    expect(failure.message).toContain('refuses the login: no pg_hba.conf entry');
    expect(failure.message).toContain(words);
  });

  it.each(['allow', 'prefer'])('offers a wrong password only once with sslmode %s', async (mode) => {
    const url = new URL(`${server.url}?sslmode=${mode}`);
    url.password = 'wrong';
    let asked = 0;
    const target = targetOf(url.href);
    const counting = {
      ...target,
      password: (host: Parameters<typeof target.password>[0]) => (asked++, target.password(host)),
    };
    expect((await failureOf(pidOf(open(counting)))).details).toEqual({ sqlstate: '28P01' });
    expect(asked).toBe(1);
  });

  it('says that the certificate is not trusted', async () => {
    const failure = await failureOf(pidOf(open(verifying(server.url, createAuthority('Another').certificate))));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(failure.message).toContain('has a certificate that no trusted authority has signed');
    expect(failure.hint).toContain('sslrootcert');
  });

  it('says that the certificate is for another host', async () => {
    const failure = await failureOf(pidOf(open(verifying(server.url, authority.certificate))));
    expect(failure.message).toContain('has a certificate for other host names');
  });
});
