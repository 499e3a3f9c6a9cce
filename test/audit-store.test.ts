/** The audit log in a store that is slow, away, full of trouble, or back again. */
import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { watchDeadChains } from '../src/audit/unfinished.ts';
import { countsOf, readChecked } from './audit-reading.ts';
import { ended, spoolsOf, useProxiedStores } from './audit-store-kit.ts';
import { openAudit } from './store-kit.ts';

const calls = useProxiedStores();
const { stores, open, call } = calls;

/** What the server ran for calls, by the name that such a session has. */
function statementsOfCalls(): string[] {
  const log = readFileSync(join(stores.server.socketDir, 'log'), 'utf8');
  return log.split('\n').filter((line) => /^howdah [0-9a-f]{8}-/.test(line));
}

describe('a statement that may reveal rows', () => {
  it('is not sent before the store has acknowledged that it was begun', async () => {
    const { audit, database } = await open();
    const before = statementsOfCalls().length;
    calls.proxy.stall();
    const looking = call(audit, 'look');
    await sleep(1500);
    expect(statementsOfCalls().length).toBe(before);
    calls.proxy.resume();
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
    calls.proxy.cut();
    expect(await call(audit, 'look')).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    expect(statementsOfCalls().length).toBe(before);
    calls.proxy.resume();
    expect(await call(audit, 'look')).toMatchObject({ ok: true });
    await audit.close();
  });
});

describe('a store that is away', () => {
  it('AU-03: nothing is answered by default, and the next call works when it is back', async () => {
    const { audit, database } = await open();
    expect(await call(audit, 'numbers')).toMatchObject({ ok: true });
    calls.proxy.cut();
    for (const name of ['numbers', 'change', 'look']) {
      expect(await call(audit, name)).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } });
    }
    expect(await audit.isWritable()).toBe(false);
    calls.proxy.resume();
    const outcome = await call(audit, 'numbers');
    expect(outcome.ok).toBe(true);
    await audit.close();
    const counts = countsOf(await readChecked(database.ownerUrl), 'ended');
    expect(counts.get(outcome.callId)).toBe(1);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
    expect(spoolsOf(database)).toEqual([]);
  });

  it('a process that ends meanwhile does so in time', async () => {
    const { audit } = await open();
    await call(audit, 'numbers');
    calls.proxy.stall();
    const began = performance.now();
    await expect(audit.close()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(performance.now() - began).toBeLessThan(16_000);
  }, 30_000);
});

describe('more than the store can take', () => {
  it('AU-04: is refused and never dropped in silence, and takes a bounded amount of memory', async () => {
    const { audit, database } = await open();
    await call(audit, 'numbers');
    calls.proxy.stall();
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
    calls.proxy.resume();
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

  it('is recorded without any text from outside where its caller is refused as well', async () => {
    const { audit, database, warnings } = await open();
    await database.asOwner(
      `alter table howdah.audit_event add constraint no_eve check (principal_subject is distinct from 'eve')`,
    );
    await Promise.all([
      audit.record(ended('before')),
      audit.record(ended('of eve', { principal_subject: 'eve', principal_roles: ['dba'], rows: 7, purpose: 'why' })),
      audit.record(ended('behind')),
    ]);
    await audit.record(ended('later'));
    await audit.close();
    const read = (await readChecked(database.ownerUrl)).filter(({ kind }) => kind === 'ended');
    expect(read.map(({ call_id: id, principal_subject: subject }) => [id, subject])).toEqual([
      ['before', 'ada'],
      ['of eve', null],
      ['behind', 'ada'],
      ['later', 'ada'],
    ]);
    expect(read[1]).toMatchObject({
      operation: null,
      principal_roles: [],
      purpose: null,
      rows: 7,
      outcome: 'OK',
      details: { refused_by_store: '23514', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
    expect(warnings).toHaveLength(2);
  });

  it('is none with names of any length: they fit in the indexes', async () => {
    const { audit, database, warnings } = await open();
    // which compresses to no less than an index takes
    const long = Array.from({ length: 4000 }, (_, i) =>
      String.fromCodePoint(0x4e00 + (hash('sha256', String(i), 'buffer').readUInt16BE() % 20_000)),
    ).join('');
    await audit.record(ended('x', { principal_subject: long, server: long, operation: long }));
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
