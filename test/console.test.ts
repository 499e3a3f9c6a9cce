/** The admin console of a real PgBouncer, and of what is none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDeadline } from '../src/core/deadline.ts';
import { openConsole, type OpenedConsole } from '../src/postgres/console-connection.ts';
import { consoleRows } from '../src/postgres/console-rows.ts';
import { CONSOLE_COMMANDS, CONSOLE_DATABASE, type ConsoleSession, type ConsoleView } from '../src/postgres/console.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { compareVersions } from '../src/postgres/version.ts';
import { HEADER, message, READY, row, WELCOME } from './backend-messages.ts';
import { createAuthority } from './certificates.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from './pgbouncer.ts';
import { newestCluster } from './postgres/each-major.ts';
import { failureOf } from './session-kit.ts';
import { openStallingProxy } from './stalling-proxy.ts';

const USERS = { stats: 'Tr0ub4dor', other: 'Passw0rt', app: 'app' };
/** Those that PgBouncer 1.18 has; `SHOW STATE` came with 1.19. */
const VIEWS = (Object.keys(CONSOLE_COMMANDS) as ConsoleView[]).filter((view) => view !== 'state');

const opened: OpenedConsole[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((console) => console.close()));
});

function open(url: string, options: { readonly ca?: string; readonly idleMs?: number } = {}): OpenedConsole {
  const tls = options.ca === undefined ? {} : { ca: options.ca, mode: 'verify-full' as const };
  const env = { HOME: '/nonexistent' };
  const target = parseTarget(url, { env, tls, defaultDatabase: CONSOLE_DATABASE });
  const console = openConsole(target, options.idleMs === undefined ? {} : { idleMs: options.idleMs });
  opened.push(console);
  return console;
}

async function read<T>(
  console: OpenedConsole,
  work: (session: ConsoleSession) => Promise<T>,
  { timeoutMs = 10_000, caller = new AbortController().signal } = {},
): Promise<T> {
  const deadline = startDeadline(timeoutMs, caller);
  try {
    return await console.read(deadline, work);
  } finally {
    deadline.clear();
  }
}

const rowsOf = (console: OpenedConsole, view: ConsoleView, options = {}) =>
  read(console, async ({ show }) => consoleRows(await show(view)), options);

/** How many connections `stats` has to the console, as another one sees it. */
async function consolesOpen(observer: OpenedConsole): Promise<number> {
  const clients = await rowsOf(observer, 'clients');
  return clients.filter((client) => client.text('user') === 'stats').length - 1;
}

describe.skipIf(!hasPgBouncer)('the console of PgBouncer', () => {
  const cluster = newestCluster();
  let bouncer: PgBouncer;
  const url = () => bouncer.urlOf('stats', 'pgbouncer');
  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster, { users: USERS, settings: { stats_users: 'stats' } });
  });
  afterAll(() => bouncer.stop());

  it('shows all that it is asked for, to a login by SCRAM', async () => {
    const shown = await read(open(url()), async ({ show, version }) => {
      const columns: Record<string, string[]> = {};
      for (const view of VIEWS) columns[view] = (await show(view)).fields.map(({ name }) => name);
      return { version, columns };
    });
    expect(shown.version).toMatch(/^1\.\d+\.\d+/);
    expect(shown.columns).toMatchObject({
      pools: expect.arrayContaining(['database', 'user', 'cl_waiting', 'sv_active', 'maxwait', 'maxwait_us']),
      databases: expect.arrayContaining(['name', 'database', 'pool_size', 'paused', 'disabled']),
      stats: expect.arrayContaining(['database', 'total_xact_count', 'avg_wait_time']),
      clients: expect.arrayContaining(['state', 'wait', 'wait_us', 'ptr', 'link']),
      config: expect.arrayContaining(['key', 'value', 'default']),
      lists: ['list', 'items'],
      users: expect.arrayContaining(['name']),
    });
  });

  it('is reached by a URL that names no database', async () => {
    expect(await rowsOf(open(bouncer.urlOf('stats', '')), 'version')).toHaveLength(1);
  });

  it('goes on after what it refuses', async () => {
    const answer = await read(open(url()), async ({ show, version }) => {
      const refused = await show('state').catch((error: unknown) => error);
      return { refused, version, pools: consoleRows(await show('pools')).length };
    });
    expect(answer.pools).toBeGreaterThan(0);
    // SHOW STATE came with 1.19
    const isKnown = compareVersions(answer.version, '1.19') >= 0;
    expect(answer.refused).toMatchObject(
      isKnown ? { command: 'SHOW' } : { code: 'QUERY_FAILED', message: `invalid command 'SHOW STATE', use SHOW HELP;` },
    );
  });

  it('is asked over one connection that is kept, and closed when nobody has used it for a while', async () => {
    const observer = open(url());
    const console = open(url(), { idleMs: 300 });
    await Promise.all(Array.from({ length: 20 }, () => rowsOf(console, 'pools')));
    expect(await consolesOpen(observer)).toBe(1);
    await expect.poll(() => consolesOpen(observer), { timeout: 1000 }).toBe(0);
    expect(await rowsOf(console, 'lists')).not.toEqual([]);
  });

  it('is found again when it was restarted', async () => {
    const console = open(url());
    for (let i = 0; i < 3; i++) {
      expect(await rowsOf(console, 'version')).toHaveLength(1);
      await bouncer.restart();
    }
    expect(await rowsOf(console, 'version')).toHaveLength(1);
  });

  it('says who may use it', async () => {
    const failure = await failureOf(rowsOf(open(bouncer.urlOf('other', 'pgbouncer')), 'pools'));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '28000' } });
    expect(failure.message).toBe(`127.0.0.1:${bouncer.port} refuses the connection: not allowed.`);
    expect(failure.hint).toContain('stats_users');
  });

  it.each([
    ['password', 'stats:Wr0ngOne'],
    ['user', 'nobody:Wr0ngOne'],
  ])('says that the %s is wrong, and never what it was', async (_, login) => {
    const at = `postgres://${login}@127.0.0.1:${bouncer.port}/pgbouncer?sslmode=disable`;
    const failure = await failureOf(rowsOf(open(at), 'pools'));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE', details: { sqlstate: '28P01' } });
    expect(failure.hint).toContain('auth_file');
    expect(`${JSON.stringify(failure)} ${failure.stack} ${String(failure.cause)}`).not.toContain('Wr0ngOne');
  });

  it('says that a database behind it is no console', async () => {
    const failure = await failureOf(rowsOf(open(bouncer.urlOf('app', 'postgres')), 'pools'));
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toBe(`127.0.0.1:${bouncer.port} is no admin console of PgBouncer.`);
  });

  it('says that PostgreSQL itself is no PgBouncer', async () => {
    const failure = await failureOf(rowsOf(open(cluster.superuserUrl.replace(/[^/]*$/, '')), 'pools'));
    expect(failure.code).toBe('SERVER_UNREACHABLE');
    expect(failure.message).toContain('database "pgbouncer" does not exist');
    expect(failure.hint).toContain('no PgBouncer');
  });

  it('says that nothing listens, and what should', async () => {
    const failure = await failureOf(rowsOf(open('postgres://stats@127.0.0.1:1'), 'pools'));
    expect(failure.message).toBe('127.0.0.1:1 refuses connections: nothing listens there.');
    expect(failure.hint).toContain('listen_port');
  });

  it('that hangs keeps nobody beyond the deadline, and answers when it hangs no more', async () => {
    const proxy = await openStallingProxy(url());
    try {
      const console = open(proxy.url);
      expect(await rowsOf(console, 'version')).toHaveLength(1);
      proxy.stall();
      const begun = performance.now();
      const failures = await Promise.all(
        [300, 200].map((timeoutMs) => failureOf(rowsOf(console, 'pools', { timeoutMs }))),
      );
      expect(performance.now() - begun).toBeLessThan(2000);
      expect(failures.map(({ code }) => code)).toEqual(['TIMEOUT', 'TIMEOUT']);
      proxy.resume();
      expect(await rowsOf(console, 'version')).toHaveLength(1);
    } finally {
      proxy.close();
    }
  });

  it('is not waited for by a caller who has gone', async () => {
    const proxy = await openStallingProxy(url());
    try {
      const console = open(proxy.url);
      await rowsOf(console, 'version');
      proxy.stall();
      const caller = new AbortController();
      const asked = failureOf(rowsOf(console, 'pools', { caller: caller.signal }));
      caller.abort();
      expect((await asked).code).toBe('CANCELLED');
    } finally {
      proxy.close();
    }
  });

  it('is left at once when it is closed, and opened no more', async () => {
    const proxy = await openStallingProxy(url());
    try {
      const console = open(proxy.url);
      await rowsOf(console, 'version');
      proxy.stall();
      const asked = failureOf(rowsOf(console, 'pools'));
      await console.close();
      expect((await asked).code).toBe('UNAVAILABLE');
      expect((await failureOf(rowsOf(console, 'pools'))).code).toBe('UNAVAILABLE');
    } finally {
      proxy.close();
    }
  });
});

describe.skipIf(!hasPgBouncer)('the console of PgBouncer over TLS', () => {
  const authority = createAuthority('Howdah Test CA');
  const own = authority.issue('pooler', { ip: ['127.0.0.1'] });
  const strange = createAuthority('Somebody Else');
  let bouncer: PgBouncer;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'howdah-console-'));
    bouncer = await startPgBouncer(newestCluster(), {
      users: USERS,
      files: { 'tls.crt': own.certificate, 'tls.key': own.key },
      settings: {
        stats_users: 'stats',
        client_tls_sslmode: 'require',
        client_tls_cert_file: '$HOME/tls.crt',
        client_tls_key_file: '$HOME/tls.key',
      },
    });
  });
  afterAll(async () => {
    await bouncer.stop();
    rmSync(directory, { recursive: true });
  });
  const url = () => bouncer.urlOf('stats', 'pgbouncer');

  function fileOf(certificate: string): string {
    const file = join(mkdtempSync(join(directory, 'ca-')), 'ca.crt');
    writeFileSync(file, certificate);
    return file;
  }

  it('is believed with the certificate of its authority and no other', async () => {
    const [good, bad] = [fileOf(authority.certificate), fileOf(strange.certificate)];
    expect(await rowsOf(open(url(), { ca: good }), 'version')).toHaveLength(1);
    const failure = await failureOf(rowsOf(open(url(), { ca: bad }), 'version'));
    expect(failure).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(failure.message).toContain('has a certificate that no trusted authority has signed');
  });

  it('says that it wants TLS', async () => {
    const failure = await failureOf(rowsOf(open(url()), 'version'));
    expect(failure.hint).toContain('client_tls_sslmode');
  });
});

describe('a made-up console', () => {
  let server: Server;
  /** To everything after the version. */
  let answer: Buffer;
  beforeAll(async () => {
    const version = Buffer.concat([HEADER, row('PgBouncer 9.9.9'), message('C', 'SHOW\0'), READY]);
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(WELCOME);
        socket.once('data', () => {
          socket.write(version);
          socket.on('data', () => socket.write(answer));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const url = () => `postgres://stats@127.0.0.1:${(server.address() as AddressInfo).port}/?sslmode=disable`;

  it('that announces a huge row has the connection dropped unread', async () => {
    answer = message('D');
    answer.writeUInt32BE(600_000_000, 1);
    const failure = await failureOf(rowsOf(open(url()), 'pools'));
    expect(failure).toMatchObject({ code: 'QUERY_FAILED', details: { bytes: 600_000_000 } });
  });

  it('that says anything but what was asked for only makes the call fail', async () => {
    const console = open(url());
    answer = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await failureOf(rowsOf(console, 'pools'))).toMatchObject({ code: expect.any(String) });
    answer = Buffer.concat([HEADER, message('C', 'SHOW\0'), READY]);
    expect(await rowsOf(console, 'pools')).toEqual([]);
  });
});
