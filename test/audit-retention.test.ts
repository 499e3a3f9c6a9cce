/** Months that are dropped by age: with a signature, and with nothing else. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Head } from '../src/audit/chain.ts';
import { dropOldMonths } from '../src/audit/retention.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { found, makeBench, type AuditBench } from './audit-kit.ts';
import { useOwnStores } from './store-kit.ts';

const stores = useOwnStores();

let bench: AuditBench;
beforeEach(async () => {
  bench = await makeBench(stores);
});

const named = (place: string, sequence: number | null, what: RegExp) => ({
  ok: false,
  broken: [[place, sequence, expect.stringMatching(what) as string]],
});

/** The first day of a month so many before this one. */
const monthsAgo = (months: number) => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
};
const nameOf = (month: Date) => `audit_event_${month.toISOString().slice(0, 7).replace('-', '_')}`;

const drop = () => dropOldMonths(bench);
const away = () => Promise.reject(new Error('away'));

const toldOf = async () =>
  (await bench.events()).filter(({ operation }) => operation === 'audit_retention').map(({ details }) => details);

/** Chains of long ago: one that ended then, and one that goes on into a month that is kept. */
async function age(): Promise<void> {
  const [old, kept] = [monthsAgo(5), monthsAgo(2)];
  for (const month of [old, kept])
    await bench.store.exchange([
      {
        text: `select howdah.make_partition('audit_event', $1::date), howdah.make_partition('audit_statement', $1::date)`,
        values: [month.toISOString()],
      },
    ]);
  const [opened, ended] = (await bench.events()) as [AuditEvent, AuditEvent];
  for (const chain of ['long-gone', 'going-on']) {
    await bench.attack(`insert into howdah.audit_chain (chain, secret_hash, writer, opened_at, seen_at)
      values ('${chain}', sha256('${chain}'), '{}', '${old.toISOString()}', now())`);
    let head: Head = { chain, sequence: -1, hash: '0'.repeat(64) };
    const times = [1, 2, 3].map((second) => new Date(old.getTime() + second * 1000));
    const later = chain === 'going-on' ? [1, 2].map((second) => new Date(kept.getTime() + second * 1000)) : [];
    for (const at of [...times, ...later]) {
      const event = { ...(head.sequence < 0 ? opened : ended), id: randomUUID(), at: at.toISOString() };
      head = await bench.insert(event, head);
    }
  }
}

describe('months that are older than audit.retention', () => {
  beforeEach(async () => {
    await bench.call(1);
    await age();
    await bench.checkpoints.take();
  });

  it('are dropped with a signature, on record, and the log is whole without them', async () => {
    expect(await bench.verify(bench.file)).toMatchObject({ ok: true, events: 10 });
    await drop(); // kept for ever
    expect((await bench.verify()).events).toBe(10);
    await (await stores.open(bench.database, { audit: { retention: '3 months' } })).close();
    await drop();
    const { rows } = await bench.database.asRunRole(
      `select to_regclass('howdah.${nameOf(monthsAgo(5))}') as old, to_regclass('howdah.${nameOf(monthsAgo(2))}') is null as kept`,
    );
    expect(rows).toEqual([{ old: null, kept: false }]);
    await bench.checkpoints.take();
    expect(await bench.verify(bench.file)).toMatchObject({
      ok: true,
      events: 5,
      notes: [expect.stringMatching(/^6 events of 1 months were dropped by age/) as string],
    });
    expect(await toldOf()).toEqual([{ month: monthsAgo(5).toISOString().slice(0, 10), events: 6, chains: 2 }]);
    await drop();
    expect((await bench.events()).length).toBe(5);
    // what goes on behind is held to what was signed
    await bench.attack(`delete from howdah.audit_event where chain = 'going-on' and sequence = 3`);
    expect(found(await bench.verify())).toEqual(named('going-on', 4, /The event 3 before it is gone/));
    await bench.audit.close();
  });

  it('are dropped however long it takes to count them, and whoever reads or writes the log does not wait for that', async () => {
    await (await stores.open(bench.database, { audit: { retention: '3 months' } })).close();
    // six events, at a pace at which other statements of the store run into their time limit
    const partition = `howdah.${nameOf(monthsAgo(5))}`;
    await bench.database.asOwner(`alter table ${partition} enable row level security, force row level security`);
    await bench.database.asOwner(`create policy slow on ${partition} using (pg_sleep(1.6) is not null)`);
    const state = { isOver: false };
    const dropping = drop().finally(() => (state.isOver = true));
    let longestMs = 0;
    let turns = 0;
    for (; !state.isOver && turns < 80; await sleep(100)) {
      const began = performance.now();
      await Promise.all([bench.events(), bench.call(1)]);
      longestMs = Math.max(longestMs, performance.now() - began);
      turns += 1;
    }
    await dropping;
    expect(turns).toBeGreaterThan(20);
    expect(longestMs).toBeLessThan(2000);
    expect(await toldOf()).toHaveLength(1);
    await bench.audit.close();
  }, 60_000);

  it('are told of later where that could not be done at once, and only if they were dropped', async () => {
    await (await stores.open(bench.database, { audit: { retention: '3 months' } })).close();
    await expect(dropOldMonths({ store: bench.store, audit: { record: away } })).rejects.toThrow('away');
    expect(await toldOf()).toEqual([]);
    await drop();
    await drop();
    expect(await toldOf()).toHaveLength(1);
    await bench.audit.close();
  });

  it('are kept when they are not whole, or not signed as they are', async () => {
    await (await stores.open(bench.database, { audit: { retention: '3 months' } })).close();
    const month = monthsAgo(5).toISOString();
    await expect(bench.database.asRunRole(`select howdah.drop_audit_partition('${month}')`)).rejects.toThrow(
      'was not signed',
    );
    await expect(
      bench.database.asRunRole(`select howdah.drop_audit_partition('${monthsAgo(2).toISOString()}')`),
    ).rejects.toThrow('is not older');
    await bench.attack(`update howdah.audit_event set rows = 9 where chain = 'long-gone' and sequence = 1`);
    await expect(drop()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(found(await bench.verify())).toEqual(named('long-gone', 1, /hash is wrong/));
    expect(await toldOf()).toEqual([]);
    await bench.audit.close();
  });

  it('are missed when somebody else dropped them, or forged what is signed of it', async () => {
    await bench.attack(`drop table howdah.${nameOf(monthsAgo(5))}`);
    const gone = await bench.verify();
    expect(gone.broken.map(({ place, sequence }) => [place, sequence])).toEqual([
      ['going-on', 3],
      ['long-gone', 0],
    ]);
    const month = monthsAgo(5).toISOString().slice(0, 10);
    const body = JSON.stringify({ at: new Date().toISOString(), chains: [], events: 6, month, type: 'dropped' });
    await bench.attack(
      `insert into howdah.audit_dropped (month, body, key_id, signature) values ('${month}', '${body}', '${bench.store.keys.keyId}', 'AAAA')`,
    );
    expect((await bench.verify()).broken).toContainEqual(
      expect.objectContaining({
        place: `audit_dropped ${month}`,
        what: expect.stringMatching('signature is wrong') as string,
      }),
    );
    await bench.audit.close();
  });
});
