/** What the one pipeline promises for every operation, whichever surface it came by. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openAuditFile } from '../src/audit/file.ts';
import { verifyAudit } from '../src/audit/verify.ts';
import { createCatalog } from '../src/calls/catalog.ts';
import { createDialogues } from '../src/calls/dialogue.ts';
import { executeCall, type CallDeps, type CallOutcome, type CallRequest } from '../src/calls/execute.ts';
import type { Operation } from '../src/calls/operation.ts';
import { createProcessLimits } from '../src/calls/process-limits.ts';
import { createRunningCalls } from '../src/calls/running.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { PlatformError } from '../src/core/errors.ts';
import { openFleet } from '../src/fleet/open-fleet.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { compilePersonas } from '../src/policy/compile.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { PersonaSpec } from '../src/contract/persona.ts';
import { createLogger } from '../src/telemetry/logger.ts';

const operation = (name: string, run: Operation['run'], more: Partial<Operation> = {}): Operation => ({
  kind: 'tool',
  name,
  area: 'server',
  accessClass: 'diagnostic',
  title: name,
  description: name,
  input: z.strictObject({ text: z.string().optional() }),
  output: z.object({}),
  reaches: 'nothing',
  alsoKnownAs: { [`get_${name}`]: { body: 'text' } },
  run,
  ...more,
});

const operations = [
  operation('echo', ({ input }) => Promise.resolve({ text: input['text'] })),
  operation('crash', () => Promise.reject(new TypeError('internal detail'))),
  operation('refuse', () =>
    Promise.reject(new PlatformError('QUERY_FAILED', 'no', { details: { sqlstate: '42P01' } })),
  ),
  operation(
    'wait',
    ({ deadline: { signal } }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  ),
  operation('rows', () =>
    Promise.resolve({ rows: Array.from({ length: 20_000 }, (_, n) => ({ n })), truncated: false }),
  ),
  operation('look', ({ callId }) => Promise.resolve({ seen: eventsOf(callId) }), { accessClass: 'query' }),
  operation('list/things', () => Promise.resolve({}), { kind: 'method', actsAs: () => ['echo'] }),
];
const catalog = createCatalog(operations);

let directory: string;
let deps: CallDeps;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'howdah-pipeline-'));
  deps = {
    fleet: openFleet([], undefined),
    policy: compilePersonas({
      narrow: PersonaSpec.parse({
        tools: { allow: ['area:server'], deny: ['crash', 'echo'] },
        limits: { statement_timeout: '50ms' },
      }),
      slow: PersonaSpec.parse({ tools: { allow: ['look'] }, limits: { calls_per_minute: 3 } }),
    }),
    limits: createProcessLimits(() => 0),
    running: createRunningCalls(),
    dialogues: createDialogues(),
    audit: await openAuditFile({ directory, version: '0' }),
    statementTexts: openStatementTexts(),
    logger: createLogger('error', { isTerminal: false, write: () => {} }),
  };
});
afterEach(async () => {
  await deps.audit.close().catch(() => {});
  await deps.statementTexts.close();
  rmSync(directory, { recursive: true, force: true });
});

function events(): AuditEvent[] {
  return readdirSync(directory)
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
}
function eventsOf(callId: string): string[] {
  return events()
    .filter((event) => event.call_id === callId)
    .map(({ kind }) => kind);
}
function call(name: string, more: Partial<CallRequest> = {}): Promise<CallOutcome> {
  return executeCall(
    {
      catalog,
      name,
      arguments: {},
      principal: localPrincipal('dba', 'ada'),
      origin: { transport: 'cli', requestId: '7', clientName: 'test', clientVersion: '1' },
      signal: new AbortController().signal,
      ...more,
    },
    deps,
  );
}
/** The last event of a call, as it is on disk when its answer is there. */
function endOf({ callId }: CallOutcome): AuditEvent {
  const event = events().findLast(({ call_id }) => call_id === callId);
  if (!event) throw new Error('the call is not in the log');
  return event;
}

describe('the pipeline', () => {
  it('answers, and is on record when it does', async () => {
    const outcome = await call('echo', { arguments: { text: 'hi' } });
    expect(outcome).toMatchObject({ ok: true, output: { text: 'hi' } });
    expect(endOf(outcome)).toMatchObject({
      kind: 'ended',
      principal_issuer: 'local',
      principal_subject: 'ada',
      persona: 'dba',
      policy_version: deps.policy.version,
      operation: 'echo',
      called_as: null,
      input: { text: 'hi' },
      decision: 'allow',
      outcome: 'OK',
      transport: 'cli',
      request_id: '7',
      client_name: 'test',
    });
  });

  it('resolves an alias before policy and keeps the name that was used', async () => {
    const outcome = await call('get_echo', { arguments: { body: 'hi' } });
    expect(outcome).toMatchObject({ ok: true, output: { text: 'hi' } });
    expect(endOf(outcome)).toMatchObject({ operation: 'echo', called_as: 'get_echo' });
    const denied = await call('get_echo', { principal: localPrincipal('narrow', 'ada') });
    expect(denied).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
  });

  it.each(['nothing', '__proto__', 'constructor', 'ECHO'])('does not find %s, on record', async (name) => {
    const outcome = await call(name);
    expect(outcome).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    expect(endOf(outcome)).toMatchObject({ operation: name, outcome: 'NOT_FOUND' });
  });

  it('names the rule that refused, to the caller and on record', async () => {
    const outcome = await call('crash', { principal: localPrincipal('narrow', 'ada') });
    const rule = 'personas.narrow.tools.deny[0] "crash"';
    expect(outcome).toMatchObject({ ok: false, error: { code: 'FORBIDDEN', details: { persona: 'narrow', rule } } });
    expect(endOf(outcome)).toMatchObject({ outcome: 'FORBIDDEN', decision: 'deny', rule });
  });

  it('refuses a caller whom no persona is for', async () => {
    const outcome = await call('echo', { principal: localPrincipal('nobody', 'ada') });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    expect(endOf(outcome)).toMatchObject({ outcome: 'FORBIDDEN', decision: 'deny', persona: null });
  });

  it('asks policy for what a protocol method stands for', async () => {
    expect(await call('list/things')).toMatchObject({ ok: true });
    const denied = await call('list/things', { principal: localPrincipal('narrow', 'ada') });
    expect(denied).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
  });

  it.each([
    ['an unknown argument', { arguments: { txet: 'x' } }],
    ['a wrong type', { arguments: { text: 7 } }],
    ['what the transport found malformed', { malformed: 'The argument "text" is given twice.' }],
  ])('refuses %s, on record', async (_, request) => {
    const outcome = await call('echo', request);
    expect(outcome).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT' } });
    expect(endOf(outcome)).toMatchObject({ operation: 'echo', outcome: 'INVALID_INPUT' });
  });

  it.each([
    ['nothing', 'slow', 3, 'NOT_FOUND'],
    ['echo', 'slow', 3, 'FORBIDDEN'],
    ['look', 'slow', 3, 'INVALID_INPUT'],
    ['echo', 'nobody', 60, 'FORBIDDEN'],
  ])(
    'counts calls of %s that it refuses to %s, and keeps what a flood sends off the disk',
    async (name, persona, allowed, code) => {
      const given = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`k${n}`, 'x'.repeat(3900)]));
      const outcomes = [];
      for (let sent = 0; sent < allowed + 100; sent++)
        outcomes.push(await call(name, { arguments: given, principal: localPrincipal(persona, 'ada') }));
      const codes = outcomes.map((outcome) => !outcome.ok && outcome.error.code);
      expect(codes).toEqual([...Array<string>(allowed).fill(code), ...Array<string>(100).fill('RATE_LIMITED')]);
      const refused = events().filter(({ outcome }) => outcome === 'RATE_LIMITED');
      expect(refused).toHaveLength(100);
      expect(refused[0]).toMatchObject({ operation: name, input: null, principal_subject: 'ada' });
      expect(Buffer.byteLength(refused.map((event) => JSON.stringify(event)).join('\n'))).toBeLessThan(150_000);
    },
  );

  it('answers a caller with nothing left the same for whatever there is and is not', async () => {
    const principal = localPrincipal('slow', 'ada');
    for (let sent = 0; sent < 3; sent++) await call('look', { principal });
    const outcomes = await Promise.all(['look', 'echo', 'nothing'].map((name) => call(name, { principal })));
    const errors = outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error.toJSON()));
    expect(errors[0]).toMatchObject({ code: 'RATE_LIMITED' });
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
  });

  it('hides a fault of its own behind INTERNAL', async () => {
    const outcome = await call('crash');
    expect(JSON.stringify(outcome)).not.toContain('internal detail');
    expect(endOf(outcome)).toMatchObject({ outcome: 'INTERNAL' });
  });

  it('keeps the SQLSTATE of a failed statement', async () => {
    expect(endOf(await call('refuse'))).toMatchObject({ outcome: 'QUERY_FAILED', details: { sqlstate: '42P01' } });
  });

  it('ends a call at the deadline of the persona', async () => {
    const outcome = await call('wait', { principal: localPrincipal('narrow', 'ada') });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'TIMEOUT' } });
    expect(endOf(outcome)).toMatchObject({ outcome: 'TIMEOUT' });
  });

  it('ends a call whose caller leaves, on record', async () => {
    const caller = new AbortController();
    const running = call('wait', { signal: caller.signal });
    caller.abort();
    const outcome = await running;
    expect(outcome).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
    expect(endOf(outcome)).toMatchObject({ outcome: 'CANCELLED' });
  });

  it('caps rows at the persona and says so', async () => {
    const outcome = await call('rows');
    const rows = deps.policy.personaFor(localPrincipal('dba', 'ada'))?.limits.rows;
    expect(outcome).toMatchObject({ ok: true, output: { truncated: true } });
    expect(endOf(outcome)).toMatchObject({ rows, truncated: true });
  });

  it('has a begun event on disk before a query runs, and an ended one after', async () => {
    const outcome = await call('look');
    expect(outcome).toMatchObject({ ok: true, output: { seen: ['begun'] } });
    expect(eventsOf(outcome.callId)).toEqual(['begun', 'ended']);
  });

  it('withholds the answer when the log cannot be written', async () => {
    await call('echo');
    await deps.audit.close();
    const outcome = await call('echo', { arguments: { text: 'secret answer' } });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    expect(JSON.stringify(outcome)).not.toContain('secret answer');
  });

  it('does not write a password that an argument holds', async () => {
    const password = Math.random().toString(36).slice(2);
    await call('echo', { arguments: { text: `postgres://ada:${password}@db/shop`, password } });
    expect(JSON.stringify(events())).not.toContain(password);
  });

  it('leaves a chain that verifies', async () => {
    for (const name of ['echo', 'nothing', 'crash', 'look']) await call(name);
    await deps.audit.close();
    const report = await verifyAudit(directory);
    expect(report).toMatchObject({ ok: true });
  });
});
