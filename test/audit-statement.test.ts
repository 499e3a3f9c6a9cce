/** Exact statements: sealed beside their events, for auditors alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { auditStatement } from '../src/admin/audit-statement.ts';
import { openAuditFile } from '../src/audit/file.ts';
import type { AuditLog } from '../src/audit/event.ts';
import { verifyStore } from '../src/audit/store-verify.ts';
import { createCatalog } from '../src/calls/catalog.ts';
import { createDialogues } from '../src/calls/dialogue.ts';
import { executeCall, type CallOutcome } from '../src/calls/execute.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { createRunningCalls } from '../src/calls/running.ts';
import type { Operation } from '../src/calls/operation.ts';
import { openFleet } from '../src/fleet/open-fleet.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { openStatementTexts, type StatementTexts } from '../src/sqltext/statement-texts.ts';
import type { Store } from '../src/store/open-store.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { openAudit, runOn, useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();

let database: StoreDatabase;
let store: Store;
let audit: AuditLog;
let statementTexts: StatementTexts;

beforeEach(async () => {
  database = await stores.make();
  store = await stores.open(database);
  audit = await openAudit(store, database);
  statementTexts = openStatementTexts();
});
afterEach(() => statementTexts.close());

/** As a tool that runs SQL of its caller will. */
const run: Operation = {
  kind: 'tool',
  name: 'run',
  area: 'query',
  accessClass: 'query',
  title: 'Run',
  description: 'Runs a statement.',
  input: z.strictObject({ sql: z.string() }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: {},
  run: (context) => {
    context.willRun({
      sql: context.input['sql'] as string,
      parameters: ['7', null],
      relations: ['public.orders.total'],
    });
    return Promise.resolve({ done: true });
  },
};

function perform(persona: string, name: string, given: unknown, log: AuditLog = audit): Promise<CallOutcome> {
  const operations = [run, auditStatement({ store: () => store })];
  return executeCall(
    {
      catalog: createCatalog(operations),
      name,
      arguments: given,
      principal: localPrincipal(persona, 'ada'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    {
      fleet: openFleet([], undefined),
      policy: compilePersonas({}, { operations, servers: [] }),
      limits: createProcessLimits(),
      running: createRunningCalls(),
      dialogues: createDialogues(),
      audit: log,
      statementTexts,
      logger: createLogger('error'),
    },
  );
}

const SQL = `select total from orders where card = '4111 1111' and id = $1`;
const verify = () => verifyStore({ store, checkpoints: undefined });

describe('the exact statement of a call', () => {
  it('is kept sealed, and shown to auditors and administrators only, on record', async () => {
    const { ok, callId } = await perform('analyst', 'run', { sql: SQL });
    expect(ok).toBe(true);
    const { rows } = await database.asRunRole(
      `select s.call_id, encode(s.sealed, 'escape') as sealed, e.details from howdah.audit_statement s
         join howdah.audit_event e on e.call_id = s.call_id and e.kind = 'ended' and e.at = s.at`,
    );
    expect(rows).toEqual([
      {
        call_id: callId,
        sealed: expect.not.stringContaining('orders') as string,
        details: { statement_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      },
    ]);
    for (const persona of ['auditor', 'admin']) {
      expect(await perform(persona, 'audit_statement', { call_id: callId })).toMatchObject({
        ok: true,
        output: { call_id: callId, sql: SQL, parameters: ['7', null], relations: ['public.orders.total'] },
      });
    }
    for (const persona of ['dba', 'analyst', 'viewer']) {
      expect(await perform(persona, 'audit_statement', { call_id: callId })).toMatchObject({
        ok: false,
        error: { code: 'FORBIDDEN' },
      });
    }
    const reads = await database.asRunRole(
      `select kind, outcome, input ->> 'call_id' as read from howdah.audit_event where operation = 'audit_statement' and kind = 'ended' order by sequence`,
    );
    expect(reads.rows.map(({ outcome, read }) => [outcome, read])).toEqual([
      ['OK', callId],
      ['OK', callId],
      ['FORBIDDEN', callId],
      ['FORBIDDEN', callId],
      ['FORBIDDEN', callId],
    ]);
    expect(await verify()).toMatchObject({ ok: true });
    await audit.close();
  });

  it('AU-10: is kept to its last character however long it is, or the call is refused', async () => {
    const sql = `select 1 ${'/* padding */ '.repeat(70_000)} ; drop table orders`;
    const { callId } = await perform('analyst', 'run', { sql });
    const shown = await perform('auditor', 'audit_statement', { call_id: callId });
    expect(shown.ok && shown.output['sql'] === sql).toBe(true);
    const { rows } = await database.asRunRole(
      `select input ->> 'sql' as cut from howdah.audit_event where call_id = '${callId}' and kind = 'ended'`,
    );
    expect(rows[0].cut).toMatch(/\[\d+ characters, SHA-256/);
    expect(await perform('analyst', 'run', { sql: 'x'.repeat(2_100_000) })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_INPUT' },
    });
    await audit.close();
  });

  it('is named by `audit verify` when it was changed, removed, moved or planted', async () => {
    const calls = await Promise.all([1, 2, 3].map((n) => perform('analyst', 'run', { sql: `select ${n}` })));
    const [first, second, third] = calls.map(({ callId }) => callId) as [string, string, string];
    await database.asOwner(`alter table howdah.audit_statement disable trigger all`);
    await database.asOwner(
      `update howdah.audit_statement set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where call_id = $1`,
      [first],
    );
    await database.asOwner(`update howdah.audit_statement set call_id = 'other' where call_id = $1`, [second]);
    const { broken } = await verify();
    expect(new Set(broken.map(({ place, what }) => `${place}: ${what}`))).toEqual(
      new Set([
        `audit_statement ${first}: No event in the log tells of this statement.`,
        `audit_statement ${first}: The exact statement of this call was changed.`,
        `audit_statement ${second}: The exact statement of this call is gone.`,
        'audit_statement other: No event in the log tells of this statement.',
      ]),
    );
    expect(await perform('auditor', 'audit_statement', { call_id: first })).toMatchObject({
      ok: false,
      error: { code: 'CONFLICT' },
    });
    expect(await perform('auditor', 'audit_statement', { call_id: second })).toMatchObject({
      ok: false,
      error: { code: 'NOT_FOUND' },
    });
    expect(await perform('auditor', 'audit_statement', { call_id: third })).toMatchObject({ ok: true });
    await expect(database.asRunRole('delete from howdah.audit_statement')).rejects.toThrow('permission denied');
    await audit.close();
  });

  it('goes to the spool while the store is away, sealed, and from there to the store', async () => {
    const spooling = await openAudit(store, database, { onUnavailable: 'spool' });
    const { name, stateDir } = database;
    await runOn(stores.server.url, `alter database ${name} allow_connections false`);
    await runOn(stores.server.url, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    const { ok, callId } = await perform('analyst', 'run', { sql: SQL }, spooling);
    expect(ok).toBe(true);
    const spool = join(stateDir, 'spool');
    const text = readFileSync(join(spool, readdirSync(spool)[0] ?? ''), 'utf8');
    expect(text).toContain(`{"statement":{"call_id":"${callId}"`);
    expect(text).not.toContain('public.orders.total');
    await runOn(stores.server.url, `alter database ${name} allow_connections true`);
    await vi.waitFor(() => expect(readdirSync(spool)).toEqual([]), { timeout: 15_000 });
    expect(await perform('auditor', 'audit_statement', { call_id: callId }, spooling)).toMatchObject({
      ok: true,
      output: { sql: SQL },
    });
    expect(await verify()).toMatchObject({ ok: true, broken: [] });
    await spooling.close();
  });

  it('is not in files', async () => {
    const directory = join(database.stateDir, 'files');
    const log = await openAuditFile({ directory, version: '0' });
    await perform('analyst', 'run', { sql: SQL }, log);
    await log.close();
    const text = readdirSync(directory)
      .map((name) => readFileSync(join(directory, name), 'utf8'))
      .join('');
    expect(text).toContain('"operation":"run"');
    expect(text).not.toContain('statement_digest');
    expect(text).not.toContain('exact');
    await audit.close();
  });
});
