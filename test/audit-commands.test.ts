/** `howdah audit …` with a store and without one. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AuditRecord } from '../src/audit/event.ts';
import { runCli } from '../src/cli/cli.ts';
import { AuditEvent } from '../src/contract/audit-event.ts';
import { uuidv7 } from '../src/core/ids.ts';
import { openAudit, useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-reading-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function howdah(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const [out, err] = [collect(stdout), collect(stderr)];
  const { signal } = new AbortController();
  const code = await runCli({ args, env, stdin, stdout, stderr, signal, interrupted: () => undefined });
  stdout.end();
  stderr.end();
  return { code, stdout: await out, stderr: await err };
}

async function collect(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

function configured(database: StoreDatabase): (...args: string[]) => Promise<Ran> {
  const file = join(database.stateDir, 'howdah.yaml');
  const store = { url: database.url, migrate_url: database.ownerUrl };
  writeFileSync(file, JSON.stringify({ store, secrets: { key: { env: 'STORE_KEY' } } }), { mode: 0o600 });
  return (...args) => howdah({ ...database.env }, ...args, '-c', file);
}

const call = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  kind: 'ended',
  call_id: uuidv7(),
  principal_subject: 'ada',
  operation: 'list_tables',
  access_class: 'schema',
  server: 'shop',
  database: 'shop',
  decision: 'allow',
  outcome: 'OK',
  rows: 3,
  duration_ms: 1,
  ...more,
});

async function recorded(...events: readonly AuditRecord[]) {
  const database = await stores.make();
  const audit = await openAudit(await stores.open(database), database);
  for (const event of events) await audit.record(event);
  await audit.close();
  return { database, run: configured(database) };
}

it('search finds by every filter, pages by a cursor that is of this search alone, and is on record', async () => {
  const { database, run } = await recorded(
    ...Array.from({ length: 5 }, (_, n) => call({ rows: n })),
    call({
      decision: 'deny',
      outcome: 'FORBIDDEN',
      rule: '\u001b[31mred',
      principal_subject: 'eve',
      purpose: 'Ticket 7',
    }),
    call({ operation: 'query', access_class: 'query', outcome: 'QUERY_FAILED', client_name: 'desk' }),
  );
  const found = async (...filters: string[]) => {
    const { code, stdout, stderr } = await run('audit', 'search', '--json', ...filters);
    expect(code, `of ${stderr}${stdout}`).toBe(0);
    return JSON.parse(stdout) as { rows: AuditEvent[]; next: string | null };
  };
  for (const [filters, count] of [
    [['--principal', 'ada', '--kind', 'ended'], 6],
    [['--outcome', 'denied'], 1],
    [['--outcome', 'failed'], 2],
    [['--outcome', 'QUERY_FAILED'], 1],
    [['--operation', 'area:tables', '--server', 'shop'], 6],
    [['--operation', 'class:query'], 1],
    [['--purpose-contains', 'ticket'], 1],
    [['--text', 'RED'], 1],
    [['--client', 'desk'], 1],
    [['--principal', 'ada', '--until', '1h'], 0],
  ] as const) {
    expect((await found(...filters)).rows.length, `by ${filters.join(' ')}`).toBe(count);
  }
  const first = await found('--principal', 'ada', '--limit', '4', '--since', '1h');
  const rest = await found('--principal', 'ada', '--limit', '4', '--since', '1h', '--cursor', first.next ?? '');
  expect([...first.rows, ...rest.rows].map(({ rows }) => rows)).toEqual([3, 4, 3, 2, 1, 0]);
  expect(rest.next).toBeNull();
  for (const refused of [
    ['--principal', 'eve', '--cursor', first.next ?? ''],
    ['--cursor', 'e30'],
    ['--since', 'yesterday'],
    ['--operation', 'area:tabels'],
    ['--outcome', 'WRONG'],
    ['--since', '1h', '--until', '2h'],
    ['--limit', '5000'],
  ]) {
    expect(await run('audit', 'search', ...refused), `with ${refused.join(' ')}`).toMatchObject({
      code: 2,
      stdout: '',
    });
  }
  const text = await run('audit', 'search', '--outcome', 'denied');
  expect(text.stdout).toContain('eve');
  expect(text.stdout).not.toContain('\u001b');
  const { rows } = await database.asRunRole(
    `select count(*)::int as count from howdah.audit_event where operation = 'audit_search' and kind = 'begun' and input ->> 'principal' = 'eve'`,
  );
  expect(rows).toEqual([{ count: 1 }]); // the one whose cursor was refused
}, 120_000);

it('export writes every event once, to a new file, and is on record with how much that was', async () => {
  const { database, run } = await recorded(
    call({ purpose: '=HYPERLINK("http://evil")' }),
    call({ purpose: 'a, "b"\r\nc' }),
    call({ principal_subject: 'eve' }),
  );
  const out = join(database.stateDir, 'out.jsonl');
  expect(await run('audit', 'export', '--principal', 'ada', '--operation', 'list_tables', '--out', out)).toMatchObject({
    code: 0,
  });
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => AuditEvent.parse(JSON.parse(line)).purpose)).toEqual([
    '=HYPERLINK("http://evil")',
    'a, "b"\r\nc',
  ]);
  expect(Object.keys(JSON.parse(lines[0] ?? '') as object)).toEqual(Object.keys(AuditEvent.shape));
  expect(statSync(out).mode & 0o777).toBe(0o600);
  const again = await run('audit', 'export', '--out', out);
  expect(again).toMatchObject({ code: 2 });
  expect(again.stderr).toContain('EEXIST');
  const csv = await run('audit', 'export', '--format', 'csv', '--principal', 'ada', '--operation', 'list_tables');
  expect(csv.stdout.split('\r\n')[0]).toBe(Object.keys(AuditEvent.shape).join(','));
  expect(csv.stdout).toContain(`"'=HYPERLINK(""http://evil"")"`);
  const { rows } = await database.asRunRole(
    `select kind, outcome, rows::int, bytes::int, input ->> 'principal' as principal from howdah.audit_event
      where operation = 'audit_export' and kind in ('begun', 'audit_read') order by chain, sequence`,
  );
  expect(rows).toEqual([
    { kind: 'begun', outcome: null, rows: null, bytes: null, principal: 'ada' },
    { kind: 'audit_read', outcome: 'OK', rows: 2, bytes: statSync(out).size, principal: 'ada' },
    { kind: 'begun', outcome: null, rows: null, bytes: null, principal: null },
    { kind: 'audit_read', outcome: 'INVALID_INPUT', rows: 0, bytes: 0, principal: null },
    { kind: 'begun', outcome: null, rows: null, bytes: null, principal: 'ada' },
    { kind: 'audit_read', outcome: 'OK', rows: 2, bytes: Buffer.byteLength(csv.stdout), principal: 'ada' },
  ]);
}, 120_000);

it('show, tail and stats tell of a call', async () => {
  const id = uuidv7();
  const { run } = await recorded(call({ call_id: id }), call({ principal_subject: 'eve', outcome: 'TIMEOUT' }));
  const shown = await run('audit', 'show', id);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain(id);
  expect(shown.stdout).toContain('links to the one before it, is linked by the next');
  expect(await run('audit', 'show', uuidv7())).toMatchObject({ code: 2 });
  const tailed = await run('audit', 'tail', '-n', '1', '--operation', 'list_tables', '--json');
  expect(JSON.parse(tailed.stdout)).toMatchObject({ principal_subject: 'eve' });
  const stats = await run('audit', 'stats', '--by', 'principal', '--operation', 'list_tables', '--json');
  expect((JSON.parse(stats.stdout) as { rows: unknown[] }).rows).toMatchObject([
    { key: 'ada', calls: 1, failed: 0, rows: 3 },
    { key: 'eve', calls: 1, failed: 1 },
  ]);
  const sessions = await run('audit', 'stats', '--sessions', '--principal', 'ada');
  expect(sessions.stdout).toContain('list_tables');
}, 120_000);

it('without a store, tail and export read the files, and the others say what to do', async () => {
  const env = { HOWDAH_STATE: join(directory, 'files') };
  expect(await howdah(env, 'audit', 'tail')).toMatchObject({ code: 0 });
  const tailed = await howdah(env, 'audit', 'tail', '--operation', 'audit_tail', '--json');
  expect(
    tailed.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditEvent).kind),
  ).toEqual(['begun', 'ended', 'begun']);
  const exported = await howdah(env, 'audit', 'export', '--kind', 'ended');
  expect(exported.stdout.trim().split('\n')).toHaveLength(3);
  const id = uuidv7();
  for (const args of [
    'audit search',
    'audit stats',
    'audit stats --sessions',
    `audit show ${id}`,
    `audit statement ${id}`,
    'persona history dba',
    'persona grants',
  ]) {
    const refused = await howdah(env, ...args.split(' '));
    expect(refused, `of ${args}`).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toMatch(/There is no store here: .*store\.url.*unless store\.embedded is false/s);
  }
}, 60_000);
