/** The PostgreSQL of the store that comes along, before any schema is in it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { openSession } from '../src/postgres/connect.ts';
import type { ConnectionTarget } from '../src/postgres/target.ts';
import { startEmbeddedStore, type EmbeddedStore } from '../src/store/embedded-store.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // initdb takes seconds on a busy machine

const stateDir = mkdtempSync(join(tmpdir(), 'howdah-embedded-store-'));
if (process.getuid?.() === 0) chmodSync(stateDir, 0o711);
const running: EmbeddedStore[] = [];

afterEach(async () => {
  for (const store of running.splice(0)) await store.stop();
});
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

async function start(): Promise<EmbeddedStore> {
  const store = await startEmbeddedStore(stateDir);
  running.push(store);
  return store;
}

async function ask(target: ConnectionTarget, text: string): Promise<readonly (string | null)[] | undefined> {
  const plain = { learn: () => Promise.resolve(undefined), whyUnfit: () => undefined };
  const { wire } = await openSession(target, plain, AbortSignal.timeout(10_000));
  try {
    const [result] = await wire.exchange([{ text, values: [] }]);
    return result?.rows[0];
  } finally {
    await wire.end();
  }
}

const RIGHTS = `select current_user::text, pg_get_userbyid(datdba)::text,
    has_database_privilege('howdah', datname, 'create')::text
  from pg_database where datname = current_database()`;

it('has its database made once, however many start at the same time', async () => {
  const superuser = { ...(await start()).owner, user: 'postgres', database: 'postgres' };
  for (const text of ['drop database howdah', 'drop role howdah', 'drop role howdah_owner']) await ask(superuser, text);
  const started = await Promise.allSettled(Array.from({ length: 8 }, start));
  expect(started.filter(({ status }) => status === 'rejected')).toEqual([]);
  expect(await Promise.all(running.map(({ target }) => ask(target, RIGHTS)))).toEqual(
    running.map(() => ['howdah', 'howdah_owner', 'false']),
  );
});

it('has its rights put right by the next start where one was killed in the middle', async () => {
  const first = await start();
  await ask(first.owner, 'revoke connect on database howdah from howdah');
  await expect(ask(first.target, RIGHTS)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  const second = await start();
  expect(await ask(second.target, RIGHTS)).toEqual(['howdah', 'howdah_owner', 'false']);
});
