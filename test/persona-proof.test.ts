/** What gives rights is in the proof of the audit log: rows of personas and grants that somebody planted, changed or deleted. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyStore } from '../src/audit/store-verify.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useReplicas, type Replica } from './replica-kit.ts';
import { attack, useStores, type StoreDatabase } from './store-kit.ts';

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer({ fsync: 'on' });
});
afterAll(() => server.stop());
const stores = useStores(() => server);
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

/** As an hour later: what is told of in the last minute is not missed yet. */
async function broken({ platform }: Replica): Promise<string[]> {
  const { store } = platform;
  if (store === undefined) throw new Error('there is no store');
  const now = Date.now() + 3_600_000;
  const report = await verifyStore({
    exchange: (steps) => store.exchange(steps),
    keys: store.keys,
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
  await attack(server.url, database, statement);
  expect(await broken(replica)).toEqual([expect.stringMatching(named)]);
});
