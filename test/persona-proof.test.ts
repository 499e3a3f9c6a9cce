/** What gives rights is in the proof of the audit log: rows of personas and grants that somebody planted, changed or deleted. */
import { describe, expect, it } from 'vitest';
import { verifyStore } from '../src/audit/store-verify.ts';
import { grantJobs } from '../src/admin/personas/grants.ts';
import { settlingJob } from '../src/admin/personas/unsettled.ts';
import { writeBound, type RuleEditor } from '../src/admin/personas/edits.ts';
import { versionStep } from '../src/policy/stored-personas.ts';
import { settleRow } from '../src/store/settled-row.ts';
import type { Store } from '../src/store/open-store.ts';
import { useReplicas, type Replica } from './replica-kit.ts';
import { attack, openAudit, useOwnStores, type StoreDatabase } from './store-kit.ts';

const stores = useOwnStores();
const replicas = useReplicas();

const spec = { roles: ['support'], tools: { allow: ['list_servers'] } };

/** Two versions of a persona, a grant and its end. */
async function edited(): Promise<{ database: StoreDatabase; replica: Replica }> {
  const database = await stores.make();
  const replica = await replicas.start(database);
  const wide = { ...spec, tools: { allow: ['*'] } };
  await replica.administer('persona_set', { name: 'support', spec: wide, reason: 'a test' });
  await replica.administer('persona_set', { name: 'support', spec, reason: 'too wide' });
  const granted = await replica.administer('persona_grant', {
    persona: 'dba',
    to: 'role:support',
    for: '1h',
    reason: 'an incident',
  });
  await replica.administer('persona_revoke', { grant: granted['id'], reason: 'it is over' });
  return { database, replica };
}

function storeOf({ platform: { store } }: Replica): Store {
  if (store === undefined) throw new Error('there is no store');
  return store;
}

/** As an hour later: what is told of in the last minute is not missed yet. */
async function broken(replica: Replica): Promise<string[]> {
  const store = storeOf(replica);
  const now = Date.now() + 3_600_000;
  const report = await verifyStore({
    store,
    checkpoints: undefined,
    now,
  });
  return report.broken.map(({ place, what }) => `${place}: ${what}`);
}

it('finds personas and grants as Howdah wrote them', async () => {
  const { replica } = await edited();
  expect(await broken(replica)).toEqual([]);
});

it.each([
  [
    'a planted version',
    `insert into howdah.persona_version select name, 3, '{"tools":{"allow":["*"]}}', at, author, reason, event_id, key_id, mac
       from howdah.persona_version where version = 1`,
    /persona_version support\/3: Its code is wrong/,
  ],
  [
    'a planted version that has no canonical text',
    `insert into howdah.persona_version select 'zz', 1, '1e999', at, author, reason, event_id, key_id, mac
       from howdah.persona_version where version = 1`,
    /persona_version zz\/1: Its code is wrong/,
  ],
  [
    'a changed grant',
    `update howdah.persona_grant set until = until + interval '1 year'`,
    /persona_grant .*: Its code is wrong/,
  ],
  [
    'the newest version deleted, so that the one before counts again',
    `delete from howdah.persona_version where version = 2`,
    /persona_version support\/2: It is gone/,
  ],
  [
    'the end of a grant deleted, so that it goes on',
    `delete from howdah.persona_grant_end`,
    /persona_grant_end .*: It is gone/,
  ],
])('names %s', async (_, statement, named) => {
  const { database, replica } = await edited();
  await attack(stores.server.url, database, statement);
  expect(await broken(replica)).toEqual([expect.stringMatching(named)]);
});

it('goes on following edits beside a planted row, and takes no process back behind what it had', async () => {
  const { database, replica } = await edited();
  const { policy } = replica.platform.deps;
  const before = policy.version;
  await attack(
    stores.server.url,
    database,
    `insert into howdah.persona_version select 'zz', 1, '1e999', at, author, reason, event_id, key_id, mac
       from howdah.persona_version where version = 1; delete from howdah.persona_version where version = 2`,
  );
  await database.asOwner(`select howdah.note_change('personas')`);
  await expect.poll(() => replica.log(), { timeout: 5000 }).toContain('persona_version support/2');
  expect(policy.version).toBe(before);
  await replica.administer('persona_set', { name: 'other', spec: { roles: ['other'] }, reason: 'a test' });
  expect(policy.personas().map(({ name }) => name)).toContain('other');
});

/** Events in a chain of their own, whose hashes are right: no key is needed to make one. */
async function plant(
  { database, replica }: { readonly database: StoreDatabase; readonly replica: Replica },
  events: readonly { readonly id?: string; readonly details: object }[],
): Promise<void> {
  const log = await openAudit(storeOf(replica), database);
  for (const event of events) await log.record({ kind: 'persona', operation: 'persona_set', outcome: 'OK', ...event });
  await log.close();
}

async function eventOf(database: StoreDatabase, row: string): Promise<{ id: string; digest: string }> {
  const { rows } = await database.asRunRole(
    `select id::text, details ->> 'digest' as digest from howdah.audit_event where details ->> 'row' = $1`,
    [row],
  );
  return rows[0] as { id: string; digest: string };
}

const table = 'persona_version';

describe('a version that was deleted is named', () => {
  it('although an event of somebody else withdraws it', async () => {
    const both = await edited();
    const { id } = await eventOf(both.database, 'support/2');
    const { keys } = storeOf(both.replica);
    await plant(both, [
      { details: { table, row: 'support/2', withdraws: id } },
      { details: { table, row: 'support/2', withdraws: id, key_id: keys.keyId, mac: '00'.repeat(32) } },
      // what Howdah wrote of another row and of another event
      { details: { ...settleRow(keys, 'withdraws', { table, row: 'support/9' }, id), row: 'support/2' } },
      { details: settleRow(keys, 'withdraws', { table: 'persona_grant', row: 'support/2' }, id) },
      { details: { ...settleRow(keys, 'confirms', { table, row: 'support/2' }, id), confirms: null, withdraws: id } },
    ]);
    await attack(stores.server.url, both.database, `delete from howdah.persona_version where version = 2`);
    expect(await broken(both.replica)).toEqual([expect.stringMatching(/support\/2: It is gone/)]);
  });

  it('although an event of somebody else tells of another row under the same id', async () => {
    const both = await edited();
    const [{ id }, { digest }] = [await eventOf(both.database, 'support/2'), await eventOf(both.database, 'support/1')];
    await plant(both, [{ id, details: { table, row: 'support/1', digest } }]);
    await attack(stores.server.url, both.database, `delete from howdah.persona_version where version = 2`);
    expect(await broken(both.replica)).toEqual([expect.stringMatching(/support\/2: It is gone/)]);
  });

  it('although the end of its call was out of sight for a while, so that Howdah withdrew it', async () => {
    const { database, replica } = await edited();
    await attack(
      stores.server.url,
      database,
      `create table public.hidden as select * from howdah.audit_event where kind = 'ended' and operation = 'persona_set';
       delete from howdah.audit_event where kind = 'ended' and operation = 'persona_set';
       delete from howdah.persona_version where version = 2`,
    );
    await settle(replica);
    await attack(stores.server.url, database, `insert into howdah.audit_event select * from public.hidden`);
    const { rows } = await database.asRunRole(
      `select from howdah.audit_event where details ->> 'withdraws' is not null and details ->> 'row' = 'support/2'`,
    );
    expect(rows).toHaveLength(1);
    expect(await broken(replica)).toEqual([expect.stringMatching(/support\/2: It is gone/)]);
  });
});

/** As the background job does in the course of two minutes. */
async function settle(replica: Replica): Promise<void> {
  let minutes = 0;
  const job = settlingJob({ store: storeOf(replica), audit: replica.platform.deps.audit }, () => minutes * 60_000);
  for (; minutes < 3; minutes += 1) await job.run(new AbortController().signal);
}

/** Writes a version, or fails to, and does not learn which. */
async function cutOff(replica: Replica, isWritten: boolean): Promise<void> {
  const store = storeOf(replica);
  const away: RuleEditor['store'] = {
    keys: store.keys,
    async exchange(steps) {
      if (isWritten) await store.exchange(steps);
      throw new Error('the store is away');
    },
  };
  const row = { name: 'support', version: 3, spec, at: new Date().toISOString(), author: 'ada', reason: 'a test' };
  const writing = writeBound(
    { store: away, audit: replica.platform.deps.audit },
    {
      operation: 'persona_set',
      context: undefined,
      table,
      row: 'support/3',
      details: {},
      step: (eventId) => versionStep(store.keys, row, eventId),
    },
  );
  await expect(writing).rejects.toThrow('the store is away');
}

describe('a store that goes away between an event and its row', () => {
  it('leaves an event that is withdrawn once it is sure that no row comes', async () => {
    const { database, replica } = await edited();
    await cutOff(replica, false);
    expect(await broken(replica)).toEqual([expect.stringMatching(/support\/3: It is gone/)]);
    const [, job] = grantJobs({ store: storeOf(replica), audit: replica.platform.deps.audit });
    await job?.run(new AbortController().signal);
    expect(await broken(replica)).toHaveLength(1);
    await settle(replica);
    await settle(replica);
    expect(await broken(replica)).toEqual([]);
    const { rows } = await database.asRunRole(
      `select details ->> 'row' as row from howdah.audit_event where details ->> 'withdraws' is not null`,
    );
    expect(rows).toEqual([{ row: 'support/3' }]);
  });

  it('leaves a row that is confirmed, so that it cannot be deleted unseen later', async () => {
    const { database, replica } = await edited();
    await cutOff(replica, true);
    await settle(replica);
    expect(await broken(replica)).toEqual([]);
    await attack(stores.server.url, database, `delete from howdah.persona_version where version = 3`);
    await settle(replica);
    expect(await broken(replica)).toEqual([expect.stringMatching(/support\/3: It is gone/)]);
  });
});
