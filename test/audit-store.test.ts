/** The audit log in a store that is slow, away, full of trouble, or back again. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import type { AuditStoreOptions } from '../src/audit/store-log.ts';
import { closeDeadChains, watchDeadChains } from '../src/audit/unfinished.ts';
import { createCatalog } from '../src/calls/catalog.ts';
import { createDialogues } from '../src/calls/dialogue.ts';
import { executeCall, type CallOutcome } from '../src/calls/execute.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { createRunningCalls } from '../src/calls/running.ts';
import type { Operation } from '../src/calls/operation.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { openFleet } from '../src/fleet/open-fleet.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { parseTarget } from '../src/postgres/target.ts';
import { openStatementTexts, type StatementTexts } from '../src/sqltext/statement-texts.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import listDatabases from '../src/tools/server/list-databases.ts';
import { countsOf, readChecked } from './audit-reading.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { openStallingProxy, type StallingProxy } from './stalling-proxy.ts';
import { openAudit, useStores, type StoreDatabase } from './store-kit.ts';

let server: OwnServer;
let statementTexts: StatementTexts;
beforeAll(async () => {
  server = await startOwnServer({ fsync: 'on', log_min_duration_statement: '0', log_line_prefix: '%a> ' });
  statementTexts = openStatementTexts();
});
afterAll(async () => {
  await statementTexts.close();
  await server.stop();
});

const stores = useStores(() => server);
let proxy: StallingProxy;
let fleet: ReturnType<typeof openFleet>;
beforeEach(async () => {
  proxy = await openStallingProxy(server.url);
  fleet = openFleet(
    [{ name: 'shop', target: parseTarget(server.url, { env: {} }), databases: ['*'], connections: 4 }],
    undefined,
  );
});
afterEach(async () => {
  await fleet.close();
  proxy.resume();
  proxy.close();
});

/** A log whose store is reached by way of the proxy. */
async function open(more: Partial<AuditStoreOptions> = {}) {
  const database = await stores.make();
  const through = Object.assign(new URL(database.url), { host: new URL(proxy.url).host });
  const store = await stores.open(database, { store: { url: through.href } });
  const warnings: string[] = [];
  const audit = await openAudit(store, database, { warn: (message) => warnings.push(message), ...more });
  return { database, audit, warnings };
}

const ended = (callId: string, more: Partial<AuditRecord> = {}): AuditRecord => ({
  kind: 'ended',
  call_id: callId,
  operation: 'list_tables',
  outcome: 'OK',
  principal_subject: 'ada',
  ...more,
});

const spoolsOf = ({ stateDir }: StoreDatabase): string[] =>
  readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.startsWith('spool/'));

const rows = Array.from({ length: 300 }, (_, n) => ({ n }));
const PLAIN: Operation = {
  kind: 'tool',
  name: 'numbers',
  area: 'server',
  accessClass: 'diagnostic',
  title: 'Numbers',
  description: 'Numbers',
  input: z.strictObject({ page: z.int().default(0) }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: {},
  run: ({ input }) => {
    const from = Number(input['page']) * 100;
    return Promise.resolve({ rows: rows.slice(from, from + 100), truncated: false });
  },
};
let changes = 0;
const catalog = createCatalog([
  PLAIN,
  { ...listDatabases, name: 'look', accessClass: 'query', alsoKnownAs: {} },
  { ...PLAIN, name: 'change', accessClass: 'admin', run: () => Promise.resolve({ changes: ++changes }) },
]);

function call(audit: AuditLog, name: string, input: object = {}): Promise<CallOutcome> {
  return executeCall(
    {
      catalog,
      name,
      arguments: input,
      principal: localPrincipal('all', 'ada'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    {
      fleet,
      policy: compilePersonas({ all: PersonaSpec.parse({ tools: { allow: ['*'] } }) }),
      limits: createProcessLimits(() => 0),
      running: createRunningCalls(),
      dialogues: createDialogues(),
      audit,
      statementTexts,
      logger: createLogger('error', { isTerminal: false, write: () => {} }),
    },
  );
}

/** What the server ran for calls, by the name that such a session has. */
function statementsOfCalls(): string[] {
  const log = readFileSync(join(server.socketDir, 'log'), 'utf8');
  return log.split('\n').filter((line) => /^howdah [0-9a-f]{8}-/.test(line));
}

describe('a statement that may reveal rows', () => {
  it('is not sent before the store has acknowledged that it was begun', async () => {
    const { audit, database } = await open();
    const before = statementsOfCalls().length;
    proxy.stall();
    const looking = call(audit, 'look');
    await sleep(1500);
    expect(statementsOfCalls().length).toBe(before);
    proxy.resume();
    const outcome = await looking;
    expect(outcome.ok).toBe(true);
    const sent = statementsOfCalls().slice(before);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.every((line) => line.startsWith(`howdah ${outcome.callId}`))).toBe(true);
    await audit.close();
    const kinds = (await readChecked(database.ownerUrl)).filter((event) => event.call_id === outcome.callId);
    expect(kinds.map(({ kind }) => kind)).toEqual(['begun', 'ended']);
  });

  it('is never sent when the store has gone', async () => {
    const { audit } = await open();
    const before = statementsOfCalls().length;
    proxy.cut();
    expect(await call(audit, 'look')).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    expect(statementsOfCalls().length).toBe(before);
    proxy.resume();
    expect(await call(audit, 'look')).toMatchObject({ ok: true });
    await audit.close();
  });
});

describe('a store that is away', () => {
  it('AU-03: nothing is answered by default, and the next call works when it is back', async () => {
    const { audit, database } = await open();
    expect(await call(audit, 'numbers')).toMatchObject({ ok: true });
    proxy.cut();
    for (const name of ['numbers', 'change', 'look']) {
      expect(await call(audit, name)).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    }
    expect(await audit.isWritable()).toBe(false);
    proxy.resume();
    const outcome = await call(audit, 'numbers');
    expect(outcome.ok).toBe(true);
    await audit.close();
    const counts = countsOf(await readChecked(database.ownerUrl), 'ended');
    expect(counts.get(outcome.callId)).toBe(1);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
    expect(spoolsOf(database)).toEqual([]);
  });

  it('AU-03: with a spool what reads is answered, what changes Howdah is not, not even first; all is in the store later', async () => {
    const { audit, database, warnings } = await open({ onUnavailable: 'spool' });
    const before = await call(audit, 'numbers');
    proxy.cut();
    const done = changes;
    const refusal = { ok: false, error: { code: 'UNAVAILABLE' } };
    for (let i = 0; i < 2; i++) expect(await call(audit, 'change')).toMatchObject(refusal);
    expect(changes).toBe(done);
    const during = await Promise.all(Array.from({ length: 50 }, () => call(audit, 'numbers')));
    expect(during.every(({ ok }) => ok)).toBe(true);
    expect(await audit.isWritable()).toBe(true);
    expect(spoolsOf(database)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('the store is away')]);
    proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 10_000 }).toEqual([]);
    expect(await call(audit, 'change')).toMatchObject({ ok: true });
    await audit.close();
    const counts = countsOf(await readChecked(database.ownerUrl), 'ended');
    for (const { callId } of [before, ...during]) expect(counts.get(callId)).toBe(1);
  });

  it('calls are refused when the spool is as large as it may be, and nothing that was answered is lost', async () => {
    const { audit, database } = await open({ onUnavailable: 'spool', spoolLimitBytes: 30_000 });
    proxy.cut();
    const outcomes: CallOutcome[] = [];
    for (let i = 0; i < 60; i++) outcomes.push(await call(audit, 'numbers'));
    const answered = outcomes.filter(({ ok }) => ok);
    expect(answered.length).toBeGreaterThan(5);
    expect(outcomes.at(-1)).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 10_000 }).toEqual([]);
    proxy.cut();
    proxy.resume();
    answered.push(await call(audit, 'numbers'));
    expect(answered.at(-1)?.ok).toBe(true);
    await audit.close();
    const events = await readChecked(database.ownerUrl);
    const counts = countsOf(events, 'ended');
    for (const { callId } of answered) expect(counts.get(callId)).toBe(1);
    expect(new Set(events.map(({ chain }) => chain)).size).toBe(1);
  });

  it('what a process has left in its spool is in the store after the next start, once, and is left open for the end of its calls', async () => {
    const { audit, database } = await open({ onUnavailable: 'spool' });
    const unfinished = 'never-ended';
    await audit.record({ ...ended(unfinished), kind: 'begun', outcome: null });
    proxy.cut();
    const outcome = await call(audit, 'numbers');
    const [name = ''] = spoolsOf(database);
    const path = join(database.stateDir, name);
    const [header = '', ...events] = readFileSync(path, 'utf8').split('\n');
    const gone = { pid: 2 ** 22 + 1, hostname: JSON.parse(header).writer.hostname as string, started: null };
    // as if it were of a process that was killed within a write
    writeFileSync(
      path,
      [JSON.stringify({ ...JSON.parse(header), writer: gone }), ...events.filter((line) => line !== ''), '{"half'].join(
        '\n',
      ),
    );
    const next = await stores.open(database, { store: { url: database.url } });
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const second = await openAudit(next, database, { onUnavailable: 'spool', warn });
    expect(warnings).toEqual([expect.stringMatching(/^1 audit events? that an ended process /)]);
    expect(spoolsOf(database)).toEqual([]);
    await database.asOwner(`update howdah.audit_chain set seen_at = now() - interval '1 minute'`);
    await closeDeadChains(next, second);
    await second.close();
    const read = await readChecked(database.ownerUrl);
    expect(countsOf(read, 'ended').get(outcome.callId)).toBe(1);
    expect(read.filter(({ call_id: id }) => id === unfinished)).toMatchObject([
      { kind: 'begun' },
      { kind: 'ended', outcome: 'UNKNOWN' },
    ]);
  });

  it('a process that ends meanwhile does so in time', async () => {
    const { audit } = await open();
    await call(audit, 'numbers');
    proxy.stall();
    const began = performance.now();
    await expect(audit.close()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(performance.now() - began).toBeLessThan(16_000);
  }, 30_000);

  it('a store that hangs is away: with a spool its calls are answered within twelve seconds', async () => {
    const { audit, database } = await open({ onUnavailable: 'spool' });
    await call(audit, 'numbers');
    proxy.stall();
    await sleep(5500); // the writer has asked as well
    const began = performance.now();
    const outcome = await call(audit, 'numbers');
    expect(outcome.ok).toBe(true);
    expect(performance.now() - began).toBeLessThan(12_000);
    proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 15_000 }).toEqual([]);
    await audit.close();
    expect(countsOf(await readChecked(database.ownerUrl), 'ended').get(outcome.callId)).toBe(1);
  }, 60_000);
});

describe('more than the store can take', () => {
  it('AU-04: is refused and never dropped in silence, and takes a bounded amount of memory', async () => {
    const { audit, database } = await open();
    await call(audit, 'numbers');
    proxy.stall();
    const before = process.memoryUsage().rss;
    const outcomes = new Map<string, 'recorded' | 'refused'>();
    const waiting: Promise<unknown>[] = [];
    for (let second = 0; second < 2; second++) {
      for (let i = 0; i < 10_000; i++) {
        const id = `${second}-${i}`;
        const record = ended(id, { input: { text: randomBytes(200).toString('hex') } });
        waiting.push(
          audit.record(record).then(
            () => outcomes.set(id, 'recorded'),
            () => outcomes.set(id, 'refused'),
          ),
        );
      }
      await sleep(1000);
    }
    expect(outcomes.size).toBeGreaterThan(9000);
    expect([...outcomes.values()]).not.toContain('recorded');
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(200);
    proxy.resume();
    await Promise.all(waiting);
    await audit.close();
    const counts = countsOf(await readChecked(database.ownerUrl), 'ended');
    const recorded = [...outcomes].filter(([, outcome]) => outcome === 'recorded');
    expect(recorded.length).toBeGreaterThan(9000);
    for (const [id] of recorded) expect(counts.get(id)).toBe(1);
  }, 60_000);
});

describe('what is on record of an answer', () => {
  it('AU-12: is how many rows and bytes each page had, so that they can be summed up', async () => {
    const { audit, database } = await open();
    const pages = await Promise.all([0, 1, 2].map((page) => call(audit, 'numbers', { page })));
    await audit.close();
    const read = (await readChecked(database.ownerUrl)).filter(({ kind }) => kind === 'ended');
    expect(read.map(({ rows: count }) => count)).toEqual([100, 100, 100]);
    expect(read.map(({ input }) => input)).toEqual(expect.arrayContaining([{ page: 0 }, { page: 1 }, { page: 2 }]));
    for (const event of read) expect(event.bytes).toBeGreaterThan(100 * '{"n":1}'.length);
    expect(pages).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
    const sum = `select sum(rows)::int as rows from howdah.audit_event where operation = 'numbers'`;
    expect((await database.asRunRole(sum)).rows).toEqual([{ rows: 300 }]);
  });
});

describe('an event that the store refuses', () => {
  it('is recorded without what the caller sent, and those around it as they are', async () => {
    const { audit, database, warnings } = await open();
    await audit.record(ended('first'));
    await database.asOwner(
      `alter table howdah.audit_event add constraint no_poison check (input->>'text' is distinct from 'poison')`,
    );
    const records = Array.from({ length: 300 }, (_, i) =>
      ended(`call-${i}`, { input: { text: i % 100 === 50 ? 'poison' : 'fine' } }),
    );
    await Promise.all(records.map((record) => audit.record(record)));
    await audit.record(ended('last'));
    await audit.close();
    const read = await readChecked(database.ownerUrl);
    expect(countsOf(read, 'ended').size).toBe(302);
    expect(read.filter(({ details }) => JSON.stringify(details).includes('refused_by_store'))).toMatchObject(
      ['call-50', 'call-150', 'call-250'].map((id) => ({
        call_id: id,
        operation: 'list_tables',
        principal_subject: 'ada',
        input: null,
        details: { refused_by_store: '23514', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })),
    );
    expect(warnings).toHaveLength(3);
  });

  it('is none with names of any length: they fit in the indexes', async () => {
    const { audit, database, warnings } = await open();
    const long = Array.from({ length: 4000 }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000)));
    await audit.record(
      ended('x', { principal_subject: long.join(''), server: long.join(''), operation: long.join('') }),
    );
    await audit.close();
    const [event] = (await readChecked(database.ownerUrl)).filter(({ kind }) => kind === 'ended');
    expect(event?.principal_subject).toMatch(/\[4000 characters, SHA-256 [0-9a-f]{64}\]$/);
    expect(warnings).toEqual([]);
  });
});

describe('calls that nobody saw the end of', () => {
  it('are not taken for lost before the store was there as long as a writer may be silent', async () => {
    const { audit, database } = await open();
    await audit.record({ ...ended('under way'), kind: 'begun', outcome: null });
    const next = await stores.open(database);
    const second = await openAudit(next, database);
    let clock = 0;
    const watch = watchDeadChains(next, second, () => clock);
    await watch();
    // the store was away for a minute, and the writer could not say that it is alive
    await database.asOwner(
      `update howdah.audit_chain set seen_at = now() - interval '1 minute' where ended_at is null`,
    );
    const unknown = async () => {
      return (await database.asOwner(`select from howdah.audit_event where outcome = 'UNKNOWN'`)).rowCount;
    };
    clock = 60_000;
    await watch();
    expect(await unknown()).toBe(0);
    for (clock of [75_000, 90_000, 106_000]) {
      await database.asOwner(
        `update howdah.audit_chain set seen_at = now() - interval '1 minute' where ended_at is null`,
      );
      await watch();
    }
    expect(await unknown()).toBe(1);
    await second.close();
    await audit.close();
    await readChecked(database.ownerUrl);
  });
});
