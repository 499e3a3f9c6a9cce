/** Rows that are bound to the events which tell of them: one that was planted, changed or moved is named. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundTable } from '../src/audit/bound-tables.ts';
import { bindRow } from '../src/store/bound-row.ts';
import { found, makeBench, whole, type AuditBench } from './audit-kit.ts';
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

const KEYS_TABLE: BoundTable = {
  table: 'test_key',
  key: ['id'],
  columns: {
    id: 'text',
    roles: 'texts',
    expires_at: 'time',
    uses: 'number',
    revoked: 'boolean',
    hash: 'bytes',
    narrowing: 'json',
  },
};

const row = (id: string) => ({
  id,
  roles: ['dba', 'a "b"'],
  expires_at: new Date('2030-01-02T03:04:05.060Z'),
  uses: 3,
  revoked: false,
  hash: 'c0ffee',
  narrowing: { servers: ['a'] },
});

async function add(id: string): Promise<void> {
  const eventId = randomUUID();
  const { key_id: keyId, mac, digest } = bindRow(bench.store.keys, 'test_key', row(id), eventId);
  await bench.audit.record({ kind: 'configuration', id: eventId, details: { table: 'test_key', row: id, digest } });
  await bench.database.asOwner(
    `insert into howdah.test_key values ($1, $2, $3, 3, false, '\\xc0ffee', $4, $5, $6, $7)`,
    [id, row(id).roles, row(id).expires_at, row(id).narrowing, eventId, keyId, mac],
  );
}

describe('rows that are bound to their events', () => {
  beforeEach(async () => {
    await bench.database
      .asOwner(`create table howdah.test_key (id text primary key, roles text[], expires_at timestamptz, uses int,
      revoked boolean, hash bytea, narrowing jsonb, event_id uuid, key_id text, mac text)`);
    await bench.database.asOwner(`grant select on howdah.test_key to ${bench.database.name}_run`);
    for (const id of ['a', 'b']) await add(id);
  });

  it('are found right', async () => {
    expect(await bench.verify(undefined, [KEYS_TABLE])).toMatchObject(whole);
    await bench.audit.close();
  });

  it.each([
    ['changed', `update howdah.test_key set roles = '{admin}' where id = 'a'`, 'a', /code is wrong/],
    [
      'planted',
      `insert into howdah.test_key select 'c', roles, expires_at, uses, revoked, hash, narrowing, event_id, key_id, mac from howdah.test_key where id = 'a'`,
      'c',
      /code is wrong/,
    ],
    [
      'given the code of another',
      `update howdah.test_key t set mac = o.mac, event_id = o.event_id from howdah.test_key o where t.id = 'a' and o.id = 'b'`,
      'a',
      /code is wrong/,
    ],
    ['whose event was deleted', `delete from howdah.audit_event where details ->> 'row' = 'b'`, 'b', /No event/],
  ])('are named when they are %s', async (_, statement, id, what) => {
    await bench.attack(statement);
    const { broken } = await bench.verify(undefined, [KEYS_TABLE]);
    expect(broken).toContainEqual(
      expect.objectContaining({ place: `test_key ${id}`, what: expect.stringMatching(what) as string }),
    );
  });

  it('that Howdah bound and never told of are named', async () => {
    const eventId = randomUUID();
    const { key_id: keyId, mac } = bindRow(bench.store.keys, 'test_key', { ...row('c') }, eventId);
    await bench.attack(
      `insert into howdah.test_key select 'c', roles, expires_at, uses, revoked, hash, narrowing, '${eventId}', '${keyId}', '${mac}'
         from howdah.test_key where id = 'a'`,
    );
    expect(found(await bench.verify(undefined, [KEYS_TABLE]))).toEqual(
      named('test_key c', null, /No event in the log/),
    );
    await bench.audit.close();
  });

  it('include secrets that are sealed: one that was moved or planted is named', async () => {
    const { keyId, bytes } = bench.store.keys.seal(Buffer.from('s3'), 'a');
    await bench.attack(`insert into howdah.sealed values ('a', '${keyId}', '\\x${bytes.toString('hex')}')`);
    expect(await bench.verify()).toMatchObject(whole);
    await bench.attack(`update howdah.sealed set name = 'b' where name = 'a'`);
    expect(found(await bench.verify())).toEqual(named('sealed b', null, /cannot be opened/));
    await bench.audit.close();
  });
});
