/** `npm start` on a machine that has nothing but Node.js: three servers with problems, served over HTTP. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import pg from 'pg';
import { afterAll, expect, it, vi } from 'vitest';
import type { Finding } from '../src/contract/finding.ts';
import { howdahCommand } from './built-program.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 30_000 });

const base = mkdtempSync(join(tmpdir(), 'howdah-demo-'));
if (process.getuid?.() === 0) chmodSync(base, 0o711);
const SERVERS = ['shop', 'shop-standby', 'warehouse'] as const;

interface Ready {
  readonly url: string;
  readonly key: string;
  readonly config: string;
  readonly findings: readonly (Finding & { server: string; tool: string })[];
}

class Demo {
  readonly process: ChildProcess;
  readonly startedAt = performance.now();
  stdout = '';
  stderr = '';

  constructor(...options: string[]) {
    this.process = spawn(process.execPath, howdahCommand('demo', ...options), {
      // a password or a mode of TLS that is meant for another server must not matter
      env: {
        PATH: String(process.env['PATH']),
        HOME: base,
        HOWDAH_STATE: base,
        PGSSLMODE: 'verify-full',
        PGPORT: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    demos.push(this);
  }

  isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      if (this.isOver()) throw new Error(`The demo ended: ${this.stderr}`);
      await sleep(20);
    }
  }

  /** What `--json` prints when it is open, and how long that took. */
  async ready(): Promise<Ready & { tookMs: number }> {
    await this.until(() => this.stdout.endsWith('}\n'));
    return { ...(JSON.parse(this.stdout) as Ready), tookMs: performance.now() - this.startedAt };
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.isOver()) {
      const exited = once(this.process, 'exit');
      this.process.kill(signal);
      await exited;
    }
    return this.process.exitCode;
  }
}

const demos: Demo[] = [];
afterAll(async () => {
  for (const demo of demos) await demo.end('SIGTERM');
  for (const pid of postmasters()) process.kill(pid, 'SIGQUIT');
  rmSync(base, { recursive: true, force: true });
});

/** Of the processes whose command line names one of our data directories. */
function postmasters(): number[] {
  return execFileSync('ps', ['-ww', '-A', '-o', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(` -D ${join(base, 'demo')}/`))
    .map((line) => Number.parseInt(line, 10))
    .toSorted((a, b) => a - b);
}

function postmasterOf(server: (typeof SERVERS)[number]): number {
  return Number(readFileSync(join(base, 'demo', server, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
}

async function ask<T extends object>(server: (typeof SERVERS)[number], text: string): Promise<T | undefined> {
  const host = join(base, 'demo', server, 'run');
  const client = new pg.Client({ host, port: 5432, user: 'postgres', database: 'postgres', password: '', ssl: false });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<T>(text)).rows[0];
  } finally {
    await client.end();
  }
}

/** Opens it, as a program asks for it. */
async function open(): Promise<Ready & { demo: Demo; tookMs: number }> {
  const demo = new Demo('--json', '--port', '0');
  return { demo, ...(await demo.ready()) };
}

async function isStreaming(): Promise<boolean> {
  const row = await ask<{ state: string }>('shop', 'select state from pg_stat_replication').catch(() => undefined);
  return row?.state === 'streaming';
}

// Each test goes on where the one before has left: a start is what takes the time.
let now: Ready & { demo: Demo };
let watched: ReturnType<typeof watchStandby>;

it('starts anew after it was killed while it made its data', async () => {
  const killed = new Demo('--json', '--port', '0');
  await killed.until(() => killed.stderr.includes('customers'));
  await killed.end('SIGKILL');
  now = await open();
  watched = watchStandby();
  watched.catch(() => undefined); // the test that it is of says so
  expect(now.demo.stderr).toContain('customers');
  expect(now.findings.slice(0, 2)).toMatchObject([
    { server: 'shop', severity: 'critical', claim: expect.stringMatching(/^Session \d+ blocks 6 sessions/) },
    { server: 'shop', severity: 'critical', object: '"public"."invoices_id_seq"' },
  ]);
});

it('keeps its key for its owner, and lets in nobody without it', async () => {
  const { url, key, config } = now;
  const file = join(base, 'demo/key');
  expect(readFileSync(file, 'utf8')).toBe(`${key}\n`);
  expect([file, config].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  expect(readFileSync(config, 'utf8')).not.toContain(key);
  expect((await fetch(`${url}/mcp`, { method: 'POST', body: '{}' })).status).toBe(401);
});

const says = (text: string) => expect.stringContaining(text);
const BLOCKER = { severity: 'critical', claim: says('blocks 6 sessions; it is idle in transaction') };
const PLANTED: readonly (readonly [string, Record<string, unknown>, Record<string, unknown>])[] = [
  ['activity', {}, BLOCKER],
  ['blocking_tree', {}, BLOCKER],
  ['autovacuum_status', { max_xmin_age: 0 }, { claim: says('The prepared transaction payment-') }],
  ['autovacuum_status', {}, { object: '"public"."carts"', severity: 'warning' }],
  ['autovacuum_status', { server: 'warehouse' }, { object: '"autovacuum"', severity: 'warning' }],
  ['top_statements', {}, { severity: 'notice', claim: says('ms on average') }],
  ['top_statements', {}, { claim: says('goes through temporary files') }],
  ['replication_status', {}, { object: 'nightly_export', claim: says('keeps') }],
  ['unused_indexes', {}, { object: '"public"."orders_note_idx"' }],
  ['duplicate_indexes', {}, { object: '"public"."orders_customer_idx"', severity: 'warning' }],
  ['invalid_indexes', {}, { object: '"public"."customers_email_key"', severity: 'warning' }],
  ['foreign_keys_without_index', {}, { object: '"public"."order_items"', severity: 'warning' }],
  ['sequence_exhaustion', {}, { object: '"public"."invoices_id_seq"', severity: 'critical' }],
  ['settings', { server: 'warehouse' }, { evidence: { count: 1, settings: 'max_pred_locks_per_transaction' } }],
  ['wal_archiving', { server: 'warehouse' }, { object: '"archive_command"', severity: 'critical' }],
  ['connections', { server: 'warehouse' }, { object: '"warehouse_app"', severity: 'warning' }],
  ['extensions', { server: 'warehouse' }, { object: '"public"."pg_stat_statements"', claim: says('at version 1.10') }],
  ['partition_problems', { server: 'warehouse' }, { object: '"public"."temperatures"' }],
  ['partition_problems', { server: 'warehouse' }, { object: '"public"."temperatures_other"' }],
  ['security_definer_functions', {}, { object: says('redeem_voucher'), severity: 'warning' }],
  [
    'security_audit',
    { server: 'warehouse' },
    { object: '"public"."goods"', claim: says('Everybody who can log in has UPDATE') },
  ],
  ['roles', {}, { object: '"price_import"', severity: 'warning' }],
  ['unvalidated_constraints', {}, { object: '"public"."orders"', claim: says('orders_status_check') }],
  ['publications', {}, { object: '"public"."page_views"', severity: 'warning' }],
  ['tables_without_primary_key', {}, { object: '"public"."page_views"', severity: 'warning' }],
  ['hot_updates', {}, { object: '"public"."carts"' }],
];

/** All that a health check finds, each number as N: of the databases that `shop` and `shop-standby` share … */
const IN_SHOP = [
  'critical sequence_exhaustion: "public"."invoices_id_seq" has used N % of its values; inserts fail when they run out.',
  'warning duplicate_indexes: "public"."orders_customer_idx" is a duplicate of "public"."orders_customer_id_idx".',
  'warning foreign_keys_without_index: No index serves the foreign key "order_items_product_id_fkey" of "public"."order_items".',
  'warning publications: "public"."page_views" is published without a replica identity: every UPDATE and DELETE of it fails.',
  'warning roles: "price_import" can run programs on the machine of the server, and is no superuser.',
  'warning security_audit: "public"."redeem_voucher"(text, bigint) runs as a superuser and looks names up in the search path of its caller.',
  'warning tables_without_primary_key: UPDATE and DELETE of "public"."page_views" fail: they are published, and nothing identifies its rows.',
  'notice list_tables: "public"."page_views" was never vacuumed or analysed, so the planner guesses its rows.',
  'notice unvalidated_constraints: The constraint "orders_status_check" of "public"."orders" was never checked against the rows that were there before.',
];

/** … and of each server. */
const FOUND: Readonly<Record<(typeof SERVERS)[number], readonly string[]>> = {
  shop: [
    ...IN_SHOP,
    'notice unused_indexes: "public"."orders_note_idx" was never scanned and is kept up to date by every write.',
    // nor is that one of the two duplicates that the planner does not choose
    'notice unused_indexes: "public"."orders_customer_id_idx" was never scanned and is kept up to date by every write.',
    'critical activity: Session N blocks N sessions; it is idle in transaction.',
    'warning autovacuum_status: "public"."page_views" has N rows inserted since the last VACUUM, and autovacuum comes at N: a storage parameter turns autovacuum off for it. It was never vacuumed.',
    'warning invalid_indexes: "public"."customers_email_key" is invalid: a concurrent build or drop of it did not finish. No query uses it.',
    'warning autovacuum_status: "public"."carts" has N dead rows, and autovacuum comes at N: a storage parameter turns autovacuum off for it.',
    'notice hot_updates: Only N % of the updates of "public"."carts" are HOT; the others are written to each of its N indexes, mostly for want of room on the page of the old row.',
    'notice server_overview: The replication slot nightly_export is not in use at the moment, and keeps WAL.',
    'notice top_statements: A statement sorts or hashes more than work_mem holds, and goes through temporary files.',
    'notice top_statements: A statement takes N ms on average, over N calls.',
  ],
  'shop-standby': [
    ...IN_SHOP,
    'notice invalid_indexes: "public"."customers_email_key" is invalid: a concurrent build or drop of it did not finish. No query uses it.',
  ],
  warehouse: [
    'critical server_overview: WAL is not being archived: the last attempt failed, and pg_wal grows until one succeeds.',
    'warning autovacuum_status: "public"."goods" has N dead rows, and autovacuum comes at N: autovacuum is off on this server. It was never vacuumed.',
    'warning autovacuum_status: "public"."movements" has N rows inserted since the last VACUUM, and autovacuum comes at N: autovacuum is off on this server. It was never vacuumed.',
    'warning autovacuum_status: The TOAST of "public"."Delivery Notes" has N rows inserted since the last VACUUM, and autovacuum comes at N: autovacuum is off on this server. It was never vacuumed.',
    'warning autovacuum_status: autovacuum is off, so autovacuum comes only against wraparound, and N tables wait for it.',
    'warning connections: N % of the connections that role "warehouse_app" may have are taken.',
    'warning security_audit: Everybody who can log in has UPDATE on "public"."goods".',
    'warning server_overview: autovacuum is off: dead rows stay, statistics age, and transaction ids run out.',
    'notice foreign_keys_without_index: No index serves the foreign key "movements_good_id_fkey" of "public"."movements".',
    'notice partition_problems: The default partition of "public"."temperatures" is not empty; its rows stand in the way of a partition made for them.',
    'notice partition_problems: The last partition of "public"."temperatures" ends at N: later rows go to the default partition.',
    'notice server_overview: Settings were changed that take a restart to come into force.',
    'notice server_overview: The extension "pg_stat_statements" is at version N, and the server has N.',
  ],
};

/** What is true now and then. */
const AT_TIMES: Readonly<Record<(typeof SERVERS)[number], readonly string[]>> = {
  shop: [
    // page views, where the machine is slow, and when others have used the buffers, of which they fill most
    'notice top_statements: A statement takes N ms on average, over N calls.',
    'notice top_statements: Only N % of the blocks that a statement needs are in shared_buffers.',
  ],
  // in 15 seconds of each minute
  'shop-standby': ['warning server_overview: Replay is paused on this standby.'],
  warehouse: [],
};

/** Over HTTP, as an assistant does. */
async function callTool(name: string, args: Record<string, unknown>): Promise<unknown> {
  const client = new Client({ name: 'demo test', version: '1' });
  const headers = { authorization: `Bearer ${now.key}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${now.url}/mcp`), { requestInit: { headers } }));
  try {
    return (await client.callTool({ name, arguments: args })).structuredContent;
  } finally {
    await client.close();
  }
}

const LAGS = 'Replay is paused on this standby.';

/** What is found on the standby when it is so, or at last. */
async function findOnStandby(isSo: (found: readonly Finding[]) => boolean): Promise<readonly Finding[]> {
  for (const end = performance.now() + 80_000; ; await sleep(500)) {
    const { findings } = (await callTool('replication_status', { server: 'shop-standby' })) as typeof now;
    if (isSo(findings) || performance.now() > end) return findings;
  }
}

/** It takes up to a minute, in which the tests to come look at other things. */
async function watchStandby(): Promise<readonly (readonly Finding[])[]> {
  const lagging = await findOnStandby((found) => found.some(({ claim }) => claim === LAGS));
  return [lagging, await findOnStandby((found) => found.length === 0)];
}

it.each(PLANTED)('has a problem that %s %j finds', async (tool, args, finding) => {
  expect(await callTool(tool, args)).toMatchObject({
    findings: expect.arrayContaining([expect.objectContaining(finding)]),
  });
});

/** A number, a version or a time. */
const NUMBER = /\d+(?:[-.: +]+\d+)*/g;

function linesOf(answer: unknown): string[] {
  const { findings } = answer as { findings: readonly (Finding & { tool: string })[] };
  return findings.map(({ severity, tool, claim }) => `${severity} ${tool}: ${claim.replaceAll(NUMBER, 'N')}`);
}

/** The lines that are left when each of the others has taken one like it away. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

it.each(SERVERS)(
  'has nothing on %s but what is planted, as the health check and the report find it',
  async (server) => {
    const report = await promisify(execFile)(
      process.execPath,
      howdahCommand('report', '--config', now.config, '--server', server, '--json'),
      { env: { PATH: String(process.env['PATH']), HOME: base, HOWDAH_STATE: base } },
    ).catch((failed: { stdout: string }) => failed); // so it ends where it finds something
    const answers = [await callTool('health_check', { server, detail: 'full' }), JSON.parse(report.stdout)];
    for (const lines of answers.map(linesOf)) {
      const missing = without(FOUND[server], lines);
      const invented = without(without(lines, FOUND[server]), AT_TIMES[server]);
      expect({ missing, invented }).toEqual({ missing: [], invented: [] });
    }
  },
);

it('has a standby that lags for a moment in each minute', async () => {
  expect(await watched).toEqual([expect.arrayContaining([expect.objectContaining({ claim: LAGS })]), []]);
});

it('is the only one on its data: a second one says so and changes nothing', async () => {
  const second = new Demo('--json', '--port', '0');
  await once(second.process, 'exit');
  expect(second.process.exitCode).toBe(2);
  expect(second.stderr).toContain(`data: howdah demo, process ${now.demo.process.pid}.\nhint: `);
  expect(await isStreaming()).toBe(true);
});

it('leaves no process when it is told to end', async () => {
  expect(await now.demo.end('SIGTERM')).toBe(0);
  expect(postmasters()).toEqual([]);
});

it('finds its data at the next start, and says its worst findings, its address, its key and how to go on', async () => {
  const demo = new Demo('--port', '0');
  await demo.until(() => demo.stdout.includes('Ctrl-C'));
  expect(performance.now() - demo.startedAt).toBeLessThan(15_000); // five times the target
  expect(demo.stderr).not.toContain('customers');
  expect(demo.stdout).toMatch(/^\nThe 3 worst of \d+ kinds of problem in the fleet:\n\nCRITICAL {2}shop: Session \d+ /);
  expect(demo.stdout).toMatch(/^Howdah is ready on http:\/\/127\.0\.0\.1:\d+\/mcp$/m);
  expect(demo.stdout).toMatch(new RegExp(`^Key +${now.key}$`, 'm'));
  expect(demo.stdout).toMatch(/^Claude Code +claude mcp add --transport http howdah http:/m);
  now = { ...now, demo };
});

it('takes over the servers that a killed one has left', async () => {
  const left = postmasters();
  expect(left).toHaveLength(3);
  await now.demo.end('SIGKILL');
  now = await open();
  expect(postmasters()).toEqual(left);
});

it.each([
  ['the shop', ['shop']],
  ['the standby', ['shop-standby']],
  ['everything', SERVERS],
] as const)('comes up whole after it and %s were killed', async (_, servers) => {
  const pids = servers.map(postmasterOf);
  await now.demo.end('SIGKILL');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  now = await open();
  await expect.poll(isStreaming, { timeout: 15_000 }).toBe(true);
  expect(now.demo.stderr).not.toContain('copied');
});

const dropSlot = () =>
  ask(
    'shop',
    `select pg_drop_replication_slot(slot_name)
       from (select slot_name, pg_terminate_backend(active_pid, 5000) from pg_replication_slots offset 0) ended
      where slot_name = 'shop_standby'`,
  );

it('copies the standby anew when the shop does not keep what it needs', async () => {
  await now.demo.end('SIGKILL');
  // the standby, which outlived its demo, comes back at once
  await expect.poll(() => dropSlot().then(() => 'dropped', String), { timeout: 15_000 }).toBe('dropped');
  now = await open();
  expect(now.demo.stderr).toContain('copied');
  await expect.poll(isStreaming, { timeout: 15_000 }).toBe(true);
  expect(await now.demo.end('SIGHUP')).toBe(0); // its terminal was closed
  expect(postmasters()).toEqual([]);
});

it('checks the shop once and stops, for scripts', async () => {
  const demo = new Demo('--once');
  await once(demo.process, 'exit');
  expect(demo.process.exitCode).toBe(0);
  expect(demo.stdout).toMatch(/^monitor@\S+\/shop {2}PostgreSQL 18\.[^\n]+\n\nGrade [DF] /);
  expect(postmasters()).toEqual([]);
});
