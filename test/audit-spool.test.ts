/** What is kept in a spool while the store is away, and is in the store when it is back. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { closeDeadChains } from '../src/audit/unfinished.ts';
import type { CallOutcome } from '../src/calls/execute.ts';
import { countsOf, readChecked } from './audit-reading.ts';
import { ended, spoolsOf, useProxiedStores } from './audit-store-kit.ts';
import { openAudit } from './store-kit.ts';

const calls = useProxiedStores();
const { stores, open, call } = calls;

describe('a store that is away, with a spool', () => {
  it('AU-03: with a spool what reads is answered, what changes Howdah is not, not even first; all is in the store later', async () => {
    const { audit, database, warnings } = await open({ onUnavailable: 'spool' });
    const before = await call(audit, 'numbers');
    calls.proxy.cut();
    const done = calls.changes;
    const refusal = { ok: false, error: { code: 'UNAVAILABLE' } };
    for (let i = 0; i < 2; i++) expect(await call(audit, 'change')).toMatchObject(refusal);
    expect(calls.changes).toBe(done);
    const during = await Promise.all(Array.from({ length: 50 }, () => call(audit, 'numbers')));
    expect(during.every(({ ok }) => ok)).toBe(true);
    expect(await audit.isWritable()).toBe(true);
    expect(spoolsOf(database)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('the store is away')]);
    calls.proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 10_000 }).toEqual([]);
    expect(await call(audit, 'change')).toMatchObject({ ok: true });
    await audit.close();
    const counts = countsOf(await readChecked(database.ownerUrl), 'ended');
    for (const { callId } of [before, ...during]) expect(counts.get(callId)).toBe(1);
  });

  it('calls are refused when the spool is as large as it may be, and nothing that was answered is lost', async () => {
    const { audit, database } = await open({ onUnavailable: 'spool', spoolLimitBytes: 30_000 });
    calls.proxy.cut();
    const outcomes: CallOutcome[] = [];
    for (let i = 0; i < 60; i++) outcomes.push(await call(audit, 'numbers'));
    const answered = outcomes.filter(({ ok }) => ok);
    expect(answered.length).toBeGreaterThan(5);
    expect(outcomes.at(-1)).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    calls.proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 10_000 }).toEqual([]);
    calls.proxy.cut();
    calls.proxy.resume();
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
    calls.proxy.cut();
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

  it('a store that hangs is away: with a spool its calls are answered within twelve seconds', async () => {
    const { audit, database } = await open({ onUnavailable: 'spool' });
    await call(audit, 'numbers');
    calls.proxy.stall();
    await sleep(5500); // the writer has asked as well
    const began = performance.now();
    const outcome = await call(audit, 'numbers');
    expect(outcome.ok).toBe(true);
    expect(performance.now() - began).toBeLessThan(12_000);
    calls.proxy.resume();
    await expect.poll(() => spoolsOf(database), { timeout: 15_000 }).toEqual([]);
    await audit.close();
    expect(countsOf(await readChecked(database.ownerUrl), 'ended').get(outcome.callId)).toBe(1);
  }, 60_000);
});
