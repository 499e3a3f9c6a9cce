/** What holds whatever the guard let pass: it lets everything pass here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCallersDatabase } from '../../src/calls/callers-database.ts';
import { startDeadline } from '../../src/core/deadline.ts';
import { startEmbedded } from '../../src/postgres/embedded.ts';
import { startOwnServer } from '../own-server.ts';
import {
  answerOf,
  approve,
  errorOf,
  makeReader,
  openCallersHowdah,
  openGuard,
  type CallersHowdah,
  type Reader,
} from '../callers-kit.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs, withSession } from '../postgres/platform.ts';

const GRANTS = ['grant usage on schema shop', 'grant select on all tables in schema shop'];

describeSomeMajors('what a caller may send', (cluster) => {
  const clone = useClone(cluster);
  let reader: Reader;
  const opened: CallersHowdah[] = [];
  const open = async (
    persona: Readonly<Record<string, unknown>> = {},
    more: Partial<Parameters<typeof openCallersHowdah>[0]> = {},
  ) => {
    const howdah = await openCallersHowdah({ url: clone().monitorUrl, logins: { reader }, persona, ...more });
    opened.push(howdah);
    return howdah;
  };
  let howdah: CallersHowdah;
  beforeAll(async () => {
    await runAs(
      clone().superuserUrl,
      'create schema tricks',
      `create function tricks.run(statement text) returns text language plpgsql as $$ begin execute statement; return 'done'; end $$`,
    );
    reader = await makeReader(clone().superuserUrl, ...GRANTS, 'grant usage on schema tricks');
    howdah = await open({}, { server: { connections: 2 } });
  });
  afterAll(async () => {
    for (const each of opened) await each.close();
  });
  const ask = async (sql: string, input: Readonly<Record<string, unknown>> = {}, by = howdah) =>
    answerOf(await by.call('query', { sql, ...input }));
  const fail = async (sql: string, input: Readonly<Record<string, unknown>> = {}, by = howdah) =>
    errorOf(await by.call('query', { sql, ...input }));

  /** Sessions of the reader that work on something. */
  const working = () =>
    runAs(
      clone().superuserUrl,
      `select pid, query, wait_event from pg_stat_activity where usename = '${reader.user}' and state = 'active'`,
    );

  /** What is left of it; undefined where a connection has been replaced meanwhile, by which nothing is shown. */
  const leftBy = async (each: string) => {
    const before = await ask('select pg_backend_pid()');
    await howdah.call('query', { sql: 'select tricks.run($1)', parameters: [each] });
    const { rows } = await ask(`
      select pg_backend_pid(), current_setting('work_mem'), current_setting('search_path'),
             (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
             (select count(*)::int from pg_listening_channels()), (select count(*)::int from pg_prepared_statements),
             (select count(*)::int from pg_cursors where name = 'kept'), current_setting('transaction_read_only'),
             current_setting('statement_timeout') <> '0'`);
    const [[pid] = []] = before['rows'] as unknown[][];
    const [[after, ...left] = []] = rows as unknown[][];
    return pid === after ? left : undefined;
  };

  it('SQ-14: leaves nothing in a session for the next caller', { timeout: 60_000 }, async () => {
    const dirt = [
      "set work_mem = '77MB'",
      "select set_config('search_path', 'tricks', false)",
      'select pg_advisory_lock(4711)',
      'listen gossip',
      "prepare planted as select 'planted'",
      'set session characteristics as transaction read write',
      'set statement_timeout = 0',
      'declare kept cursor with hold for select 1',
    ];
    for (const each of dirt) {
      const left = (await leftBy(each)) ?? (await leftBy(each)) ?? (await leftBy(each));
      expect({ each, left }).toEqual({
        each,
        left: ['4MB', expect.stringMatching(/^"?pg_catalog"?, .*"?public"?, "?pg_temp"?$/), 0, 0, 0, 0, 'on', true],
      });
    }
  });

  it.each([
    "select set_config('statement_timeout', '0', true), pg_sleep(30)",
    "select tricks.run('set statement_timeout = 0'), pg_sleep(30)",
    "select tricks.run('set local transaction_read_only = off')",
    "select set_config('transaction_read_only', 'off', true)",
  ])('SQ-08: no limit is overridden: %s', { timeout: 30_000 }, async (sql) => {
    const started = performance.now();
    const error = await fail(sql, { timeout_s: 1 });
    expect(performance.now() - started).toBeLessThan(2500);
    expect(['TIMEOUT', 'QUERY_FAILED']).toContain(error.code);
    await expect.poll(working, { timeout: 1000 }).toEqual([]);
  });

  it.each([
    'select count(*) from generate_series(1, 1000000000000) g',
    'select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b',
    'with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r',
    'select pg_sleep(1000000)',
    'select g from generate_series(1, 1000000000) g order by random()',
  ])('SQ-12: is cancelled when its time is up: %s', { timeout: 30_000 }, async (sql) => {
    const error = await fail(sql, { timeout_s: 0.7 });
    expect(error).toMatchObject({ code: 'TIMEOUT', hint: expect.stringContaining('timeout_s') });
    await expect.poll(working, { timeout: 1000 }).toEqual([]);
  });

  it('does not read a cell of 600 MB, and the process stays small', { timeout: 120_000 }, async () => {
    const patient = await open({ limits: { statement_timeout: '2min' } });
    await ask('select 1', {}, patient);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
    const error = await fail("select repeat('x', 600000000)", { timeout_s: 100 }, patient);
    clearInterval(watch);
    expect(error).toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringMatching(/A row of 6000000\d\d bytes exceeds the limit/),
      hint: expect.stringContaining('left()'),
    });
    expect((peak - before) / 2 ** 20).toBeLessThan(30);
    expect(await ask('select 1')).toMatchObject({ rows: [[1]] });
  });

  it('is cut at the bytes of the persona, and the server stops', { timeout: 60_000 }, async () => {
    const narrow = await open({ limits: { bytes: '100kB', rows: 100_000 } });
    const answer = await ask("select generate_series(1, 100000000), repeat('x', 1000)", { limit: 100_000 }, narrow);
    expect(answer).toMatchObject({ truncated: true, columns: [{ type: 'integer' }, { type: 'text' }] });
    const rows = answer['rows'] as unknown[][];
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.length).toBeLessThan(100);
    await expect.poll(working, { timeout: 5000 }).toEqual([]);
    expect(await ask('select 1', {}, narrow)).toMatchObject({ rows: [[1]] });
    const many = 'select ' + Array.from({ length: 100 }, (_, i) => `repeat('x', ${9000 + i})`).join(', ');
    expect(await fail(many, {}, narrow)).toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringContaining('exceeds the limit of 100000 bytes'),
    });
  });

  it('ends within 200 ms of its caller leaving, and never the statement after it', { timeout: 60_000 }, async () => {
    const took: number[] = [];
    await withSession(clone().superuserUrl, async (watching) => {
      const isWorking = async () => {
        const look = `select from pg_stat_activity where usename = '${reader.user}' and state = 'active'`;
        return (await watching.query(look)).rowCount !== 0;
      };
      for (let round = 0; round < 5; round++) {
        const leaving = new AbortController();
        const called = howdah.call('query', { sql: 'select pg_sleep(20)' }, { signal: leaving.signal });
        while (!(await isWorking())) await sleep(10);
        const left = performance.now();
        leaving.abort();
        while (await isWorking()) await sleep(5);
        took.push(performance.now() - left);
        expect(errorOf(await called)).toMatchObject({ code: 'CANCELLED' });
        expect(await ask('select pg_sleep(0.2)::text, 1')).toMatchObject({ rows: [['', 1]] });
      }
    });
    const sorted = took.toSorted((a, b) => a - b);
    console.info(`a statement ended after its caller had left: ${sorted.map((ms) => ms.toFixed(0)).join(' ')} ms`);
    // a busy machine may be late to look
    expect(Math.min(...took)).toBeLessThan(200);
    expect(Math.max(...took)).toBeLessThan(2000);
  });

  it('is cancelled when it keeps another session waiting', { timeout: 60_000 }, async () => {
    const called = howdah.call('query', { sql: 'select count(*), pg_sleep(20) from shop.customers' });
    while ((await working()).length === 0) await sleep(10);
    await withSession(clone().superuserUrl, async (other) => {
      await other.query("set lock_timeout = '10s'");
      await other.query('begin; lock table shop.customers; rollback');
    });
    expect(errorOf(await called)).toMatchObject({ message: expect.stringContaining('kept another session waiting') });
  });

  it('waits for a lock no longer than its time, and says what is in the way', { timeout: 60_000 }, async () => {
    await withSession(clone().superuserUrl, async (other) => {
      await other.query('begin; lock table shop.customers');
      const error = await fail('select 1 from shop.customers', { timeout_s: 8 });
      expect(error).toMatchObject({ details: { sqlstate: '55P03' }, hint: expect.stringContaining('lock') });
      await other.query('rollback');
    });
  });

  it('is refused above the cost that the persona allows, with the top of its plan', async () => {
    const thrifty = await open({ limits: { plan_cost: 500 } });
    expect(await ask('select * from shop.customers', {}, thrifty)).toMatchObject({ truncated: false });
    const error = await fail(
      'select count(*) from shop.customers a, shop.customers b where $1::int > 0',
      { parameters: [1] },
      thrifty,
    );
    expect(error).toMatchObject({
      code: 'SQL_REJECTED',
      details: {
        rule: 'cost/above-ceiling',
        ceiling: 500,
        cost: expect.any(Number),
        plan: { node: expect.any(String), inputs: expect.any(Array) },
      },
    });
    expect(await fail('explain analyze select 1', {}, thrifty)).toMatchObject({ code: 'SQL_REJECTED' });
  });

  it('fails where a masked column itself would arrive, through sub-selects too', async () => {
    const [found] = await runAs(
      clone().superuserUrl,
      `select 'shop.customers'::regclass::oid::text || '.' || attnum as key from pg_attribute where attrelid = 'shop.customers'::regclass and attname = 'email'`,
    );
    const masking = await open({}, { guard: openGuard({ maskedColumns: new Set([String(found?.['key'])]) }) });
    for (const sql of [
      'select email from shop.customers',
      'select * from (select id, email as e from shop.customers order by 1) x',
      'with c as (table shop.customers) select c.email from c',
    ]) {
      expect(await fail(sql, {}, masking)).toMatchObject({
        code: 'SQL_REJECTED',
        details: { rule: 'mask/origin' },
      });
    }
    expect(await ask('select id from shop.customers', {}, masking)).toMatchObject({ truncated: false });
  });

  it('binds the key of masks for its transaction only', async () => {
    const keyed = await open(
      {},
      {
        guard: openGuard(({ sql }) => approve(sql, { wantsMaskKey: sql.includes('keyed') })),
        server: { connections: 2 },
      },
    );
    const key = "select length(current_setting('howdah.mask_key', true))";
    expect(await ask(`${key} as keyed`, {}, keyed)).toMatchObject({ rows: [[256]] });
    const after = await ask(key, {}, keyed);
    expect([[0], [null]]).toContainEqual((after['rows'] as unknown[][])[0]);
  });
});

describe('a server that is another one from one moment to the next', () => {
  it('SQ-21: runs nothing that was judged for the one before', { timeout: 120_000 }, async () => {
    const login = { user: 'reader', password: 'reader' };
    const state = mkdtempSync(join(tmpdir(), 'howdah-moved-'));
    chmodSync(state, 0o711); // its programs run as another user
    const first = await startOwnServer();
    // made by an initdb of its own
    const second = await startEmbedded({ stateDir: state, name: 'store' });
    for (const { url } of [first, second]) {
      await runAs(url, "create role reader login password 'reader'", 'revoke create on schema public from public');
    }
    const way = await openWay(first.port);
    const judged: (string | undefined)[] = [];
    const url = new URL(first.url);
    url.port = String(way.port);
    const howdah = await openCallersHowdah({
      url: url.href,
      logins: { reader: login },
      guard: openGuard(({ sql, catalog }) => {
        judged.push(catalog?.key);
        if (sql.includes('moves')) setImmediate(() => way.leadTo(`${second.socketDirectory}/.s.PGSQL.${second.port}`));
        return undefined;
      }),
    });
    try {
      answerOf(await howdah.call('query', { sql: 'select 1' }));
      const outcome = await howdah.call('query', { sql: "select 'moves'" });
      expect(errorOf(outcome)).toMatchObject({ code: 'CONFLICT', hint: expect.stringContaining('judged anew') });
      expect(answerOf(await howdah.call('query', { sql: 'select 2' }))).toMatchObject({ rows: [[2]] });
      expect(new Set(judged).size).toBe(2);
      // the session itself begins at another one, and stays there
      const { deps } = howdah.platform;
      const persona = deps.policy.personas().find(({ name }) => name === 'asker');
      const server = deps.fleet.server('shop');
      if (persona === undefined || server === undefined) throw new Error('there is no such persona or server');
      const deadline = startDeadline(20_000, new AbortController().signal);
      const callers = { guard: openGuard(), transport: 'http' } as const;
      const place = { server, database: server.defaultDatabase };
      const database = openCallersDatabase(place, { persona, deadline, callId: 'moved', callers });
      const approved = await database.admit('select 3');
      way.leadTo(`${first.socketDir}/.s.PGSQL.${first.port}`);
      await sleep(500);
      const run = database.readOnly((session) => session.run(approved, { rows: 1 }));
      await expect(run).rejects.toMatchObject({ code: 'CONFLICT' });
      deadline.clear();
    } finally {
      await howdah.close();
      way.close();
      await Promise.all([first.stop(), second.stop()]);
      rmSync(state, { recursive: true, force: true });
    }
  });
});

/** A port that leads to another one, which can be changed under the connections. */
async function openWay(to: number) {
  let connectFar = () => connect(to, '127.0.0.1');
  const sockets = new Set<Socket>();
  const drop = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const server = createServer((near) => {
    const far = connectFar();
    for (const socket of [near, far]) {
      const other = socket === near ? far : near;
      sockets.add(socket);
      socket.on('error', () => other.destroy()).on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** The path of a Unix socket. */
    leadTo(path: string) {
      connectFar = () => connect(path);
      drop();
    },
    close() {
      drop();
      server.close();
    },
  };
}
