/** Whoever has the database, as its owner or superuser, cannot change the audit log without `audit verify` naming it. */
import { randomUUID } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BoundTable } from '../src/audit/bound-tables.ts';
import { redraft, sealEvent, type Head } from '../src/audit/chain.ts';
import { createCheckpoints, type Checkpoints } from '../src/audit/checkpoints.ts';
import type { AuditLog, AuditRecord } from '../src/audit/event.ts';
import { canonicalJson } from '../src/core/canonical-json.ts';
import { readRow, selectColumns } from '../src/audit/store-rows.ts';
import { dropOldMonths } from '../src/audit/retention.ts';
import { verifyStore, type StoreReport } from '../src/audit/store-verify.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { bindRow } from '../src/store/bound-row.ts';
import type { Store } from '../src/store/open-store.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { openAudit, useStores, type StoreDatabase } from './store-kit.ts';

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer({ fsync: 'on' });
});
afterAll(() => server.stop());
const stores = useStores(() => server);

let database: StoreDatabase;
let store: Store;
let audit: AuditLog;
let checkpoints: Checkpoints;
let file: string;

beforeEach(async () => {
  database = await stores.make();
  store = await stores.open(database);
  audit = await openAudit(store, database);
  file = join(database.stateDir, 'checkpoints.jsonl');
  const ignore = () => undefined;
  checkpoints = createCheckpoints({ store, path: file, inform: ignore, warn: ignore });
});

const CALL: AuditRecord = {
  kind: 'ended',
  call_id: '01a22dd9-7d50-7701-bfbe-3c51f61a0bec',
  principal_subject: 'ada',
  principal_roles: ['dba'],
  operation: 'list_tables',
  input: { name: 'orders', limit: 20, exact: 1.5 },
  sql_text: 'select $1',
  outcome: 'OK',
  decision: 'allow',
  rows: 3,
  duration_ms: 0.125,
  truncated: false,
};

async function call(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await audit.record(CALL);
}

function verify(external?: string, boundTables?: readonly BoundTable[]): Promise<StoreReport> {
  const { exchange, keys } = store;
  return verifyStore({ exchange, keys, checkpoints: external, ...(boundTables && { boundTables }) });
}

/** As a superuser with every trigger and policy out of force. */
async function attack(...statements: string[]): Promise<void> {
  const client = new pg.Client(Object.assign(new URL(server.url), { pathname: `/${database.name}` }).href);
  await client.connect();
  try {
    await client.query('set session_replication_role = replica');
    for (const statement of statements) {
      const { rowCount, command } = await client.query(statement);
      if (['UPDATE', 'DELETE', 'INSERT'].includes(command)) expect(rowCount, statement).toBeGreaterThan(0);
    }
  } finally {
    await client.end();
  }
}

async function events(): Promise<AuditEvent[]> {
  const { rows } = await store
    .exchange([{ text: `select ${selectColumns('e')} from howdah.audit_event e order by chain, sequence`, values: [] }])
    .then(([result]) => result ?? { rows: [] });
  return rows.map(readRow);
}

/** Two chains, one closed, with checkpoints between their events. */
async function lively(): Promise<{ first: string; second: string }> {
  await call(3);
  await checkpoints.take();
  await call(2);
  await audit.close();
  await checkpoints.take();
  audit = await openAudit(store, database);
  await call(4);
  await checkpoints.take();
  const chains = [...new Set((await events()).map(({ chain }) => chain))];
  return { first: chains[0] ?? '', second: chains[1] ?? '' };
}

const found = ({ ok, broken }: StoreReport) => [ok, broken.map(({ place, sequence, what }) => [place, sequence, what])];
const named = (place: string, sequence: number | null, what: RegExp) => [
  false,
  [[place, sequence, expect.stringMatching(what) as string]],
];

describe('an audit log that nobody touched', () => {
  it('is found whole, with and without the checkpoints outside the store', async () => {
    await lively();
    expect(await verify()).toMatchObject({ ok: true, events: 12, chains: 2, broken: [], notes: [] });
    expect((await verify()).limits).toMatch('newest events and checkpoints were removed together');
    const report = await verify(file);
    expect(report).toMatchObject({ ok: true, checkpoints: { count: 3 }, external: { count: 3 } });
    expect(report.external?.newest).toEqual(report.checkpoints.newest);
    await audit.close();
  });

  it('is found whole while it is written to', async () => {
    await call(1);
    await checkpoints.take();
    let ended = false;
    const writing = (async () => {
      while (!ended) await Promise.all([audit.record(CALL), audit.record(CALL), checkpoints.take()]);
    })();
    for (let i = 0; i < 5; i++) expect(await verify(file)).toMatchObject({ ok: true });
    ended = true;
    await writing;
    expect((await verify(file)).events).toBeGreaterThan(5);
    await audit.close();
  });
});

describe('checkpoints', () => {
  it('have the heads and counts of all chains, and are taken when something is new only', async () => {
    const { first, second } = await lively();
    await checkpoints.take();
    const { rows } = await database.asRunRole('select body from howdah.audit_checkpoint order by number');
    const bodies = rows.map(({ body }) => JSON.parse(body as string) as Record<string, unknown>);
    expect(bodies.map(({ number, totals }) => [number, totals])).toEqual([
      [1, { chains: 1, events: 4 }],
      [2, { chains: 1, events: 7 }],
      [3, { chains: 2, events: 12 }],
    ]);
    expect(bodies[2]?.['chains']).toEqual([
      { chain: first, sequence: 6, events: 7, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      { chain: second, sequence: 4, events: 5, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    ]);
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await audit.close();
  });
});

describe('AU-08: what was changed by whoever has the database', () => {
  it.each([
    ['a text', `principal_subject = 'eve'`],
    ['a number', 'rows = 4'],
    ['a duration', 'duration_ms = 0.25'],
    ['a truth', 'truncated = true'],
    ['the arguments', `input = '{"exact":1.5,"limit":20,"name":"other"}'`],
    ['the spelling of the arguments', `input = '{"exact":1.5,"limit":20,"name":"other","name":"orders"}'`],
    ['the time', `at = at + interval '1 millisecond'`],
    ['the era', `at = at - interval '2 years' * extract(year from at)::int + interval '1 year'`],
    ['the roles', `principal_roles = '{admin}'`],
    ['a null', `purpose = 'support'`],
    ['the hash', `hash = repeat('0', 64)`],
  ])('in an event is named: %s', async (_, change) => {
    const { first } = await lively();
    await attack(`update howdah.audit_event set ${change} where chain = '${first}' and sequence = 2`);
    expect(found(await verify())).toEqual(named(first, 2, /hash is wrong/));
    await audit.close();
  });

  it('a deleted event', async () => {
    const { first } = await lively();
    await attack(`delete from howdah.audit_event where chain = '${first}' and sequence = 2`);
    expect(found(await verify())).toEqual(named(first, 3, /The event 2 before it is gone/));
    await audit.close();
  });

  it('an inserted event, with a made-up hash or with a right one', async () => {
    const { first } = await lively();
    const columns = 'id, at, kind, principal_roles, chain, sequence, previous_hash, hash';
    await attack(
      `insert into howdah.audit_event (${columns})
       values ('${randomUUID()}', now(), 'ended', '{}', '${first}', 7, repeat('0', 64), repeat('1', 64))`,
    );
    expect(found(await verify())).toEqual(named(first, 7, /hash is wrong/));
    await attack(`delete from howdah.audit_event where chain = '${first}' and sequence = 7`);
    const last = (await events()).findLast(({ chain }) => chain === first) as AuditEvent;
    await insert({ ...last, kind: 'ended', at: new Date().toISOString() }, last);
    expect(found(await verify())).toEqual(named(first, 7, /behind the closing event/));
    await audit.close();
  });

  it('a second event in the place of one', async () => {
    const { second } = await lively();
    const [third, fourth] = (await events()).filter(({ chain }) => chain === second).slice(2) as [
      AuditEvent,
      AuditEvent,
    ];
    await insert({ ...fourth, at: new Date(Date.parse(fourth.at) + 5).toISOString(), rows: 9 }, third);
    expect(found(await verify())).toEqual(named(second, 3, /Its place is taken/));
    await audit.close();
  });

  it('a chain of a writer that never was', async () => {
    await lively();
    const [opened] = await events();
    await insert({ ...(opened as AuditEvent) }, { chain: 'planted', sequence: -1, hash: '0'.repeat(64) });
    expect(found(await verify())).toEqual(named('planted', null, /No writer has begun/));
    await audit.close();
  });

  it('events that changed places', async () => {
    const { first } = await lively();
    const swap = `update howdah.audit_event set sequence = case sequence when 2 then 3 else 2 end
      where chain = '${first}' and sequence in (2, 3)`;
    await attack(`drop index howdah.audit_event_place`, swap);
    expect(found(await verify())).toEqual(named(first, 2, /hash is wrong/));
    await audit.close();
  });

  it('a truncated end', async () => {
    const { first, second } = await lively();
    await attack(`delete from howdah.audit_event where chain = '${first}' and sequence > 3`);
    expect(found(await verify())).toEqual(named(first, 4, /truncated: the checkpoint 2 of .* has its event 6/));
    await attack(`delete from howdah.audit_event where chain = '${second}' and sequence > 0`);
    expect((await verify()).broken.map(({ place }) => place)).toEqual([first, second]);
  });

  it('a chain that was rewritten whole, with hashes that are right', async () => {
    const { first } = await lively();
    await rewrite(first, (event) => ({ ...event, rows: event.kind === 'ended' ? 1 : null }));
    expect(found(await verify())).toEqual(named(first, 3, /rewritten: the checkpoint 1/));
    await audit.close();
  });

  it('a chain that was deleted with all that names it but the checkpoints', async () => {
    const { first } = await lively();
    await attack(
      `delete from howdah.audit_event where chain = '${first}'`,
      `delete from howdah.audit_chain where chain = '${first}'`,
      `delete from howdah.audit_head where chain = '${first}'`,
    );
    expect(found(await verify())).toEqual(named(first, 0, /deleted: the checkpoint 1/));
    await audit.close();
  });

  it('a month that was dropped', async () => {
    const { first, second } = await lively();
    const month = new Date().toISOString().slice(0, 7).replace('-', '_');
    await attack(`drop table howdah.audit_event_${month}`);
    expect((await verify()).broken.map(({ place }) => place)).toEqual([first, second]);
  });

  it('a chain that is no longer known as one', async () => {
    const { first } = await lively();
    await attack(`delete from howdah.audit_chain where chain = '${first}'`);
    expect(found(await verify())).toEqual(named(first, null, /not in howdah.audit_chain/));
    await audit.close();
  });
});

describe('checkpoints that were tampered with', () => {
  it('are named: changed, deleted, replaced by one of another key, put in the place of another', async () => {
    await lively();
    const restore = `insert into howdah.audit_checkpoint select * from howdah.kept`;
    await attack(`create table howdah.kept as select * from howdah.audit_checkpoint`);
    const attempt = async (statement: string, number: number, what: RegExp) => {
      await attack(statement);
      expect(found(await verify())).toEqual(named('checkpoints', number, what));
      await attack(`delete from howdah.audit_checkpoint`, restore);
    };
    await attempt(
      `update howdah.audit_checkpoint set body = replace(body, '7', '8') where number = 2`,
      2,
      /signature is wrong/,
    );
    await attempt(`delete from howdah.audit_checkpoint where number = 2`, 3, /1 checkpoints before it are gone/);
    await attempt(`delete from howdah.audit_checkpoint where number = 1`, 2, /1 checkpoints before it are gone/);
    await attempt(
      `update howdah.audit_checkpoint set key_id = 'mine' where number = 3`,
      3,
      /key mine, which is not known/,
    );
    await attempt(
      `update howdah.audit_checkpoint c set body = k.body, signature = k.signature from howdah.kept k
        where c.number = 3 and k.number = 2`,
      3,
      /in the place of the checkpoint 3/,
    );
    expect(await verify(file)).toMatchObject({ ok: true });
    await audit.close();
  });

  it('at the end are missed by those outside the store, with the events that they had', async () => {
    const { second } = await lively();
    await attack(
      `delete from howdah.audit_event where chain = '${second}' and sequence > 2`,
      `delete from howdah.audit_checkpoint where number = 3`,
    );
    expect(await verify()).toMatchObject({ ok: true }); // nothing in the store can show it
    const report = await verify(file);
    expect(report.broken).toEqual([
      {
        place: second,
        sequence: 3,
        at: null,
        what: expect.stringMatching(/truncated: the file, checkpoint 3/) as string,
      },
      {
        place: 'file of checkpoints',
        sequence: 3,
        at: expect.any(String) as string,
        what: expect.stringMatching('lacks this') as string,
      },
    ]);
    expect(report.lost.checkpoints).toMatchObject({ from: 3, to: 3 });
  });

  it('outside the store are not believed when they are forged', async () => {
    await lively();
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    writeFileSync(file, [lines[0], lines[1]?.replace('events', 'evenst'), 'x', lines[2], ''].join('\n'));
    expect(found(await verify(file))).toEqual(
      named('file of checkpoints', null, /Line 2 of the file: Its signature is wrong/),
    );
    await audit.close();
  });
});

describe('AU-11: replicas whose clocks differ', () => {
  it('write chains of their own, each in the order of its sequence, with the time of the store beside', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const behind = new Date(Date.now() - 3_600_000).toISOString();
    const other = await openAudit(store, database);
    await Promise.all([audit.record({ ...CALL, at: ahead }), other.record({ ...CALL, at: behind })]);
    await Promise.all([audit.record(CALL), other.record(CALL)]);
    await checkpoints.take();
    expect(await verify(file)).toMatchObject({ ok: true, chains: 2, events: 6 });
    const { rows } = await database.asRunRole(
      `select opened_at between clock_timestamp() - interval '1 minute' and clock_timestamp() as is_now from howdah.audit_chain`,
    );
    expect(rows).toEqual([{ is_now: true }, { is_now: true }]);
    await Promise.all([audit.close(), other.close()]);
  });
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

describe('rows that are bound to their events', () => {
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
    const { key_id: keyId, mac, digest } = bindRow(store.keys, 'test_key', row(id), eventId);
    await audit.record({ kind: 'configuration', id: eventId, details: { table: 'test_key', row: id, digest } });
    await database.asOwner(`insert into howdah.test_key values ($1, $2, $3, 3, false, '\\xc0ffee', $4, $5, $6, $7)`, [
      id,
      row(id).roles,
      row(id).expires_at,
      row(id).narrowing,
      eventId,
      keyId,
      mac,
    ]);
  }

  beforeEach(async () => {
    await database.asOwner(`create table howdah.test_key (id text primary key, roles text[], expires_at timestamptz, uses int,
      revoked boolean, hash bytea, narrowing jsonb, event_id uuid, key_id text, mac text)`);
    await database.asOwner(`grant select on howdah.test_key to ${database.name}_run`);
    for (const id of ['a', 'b']) await add(id);
  });

  it('are found right', async () => {
    expect(await verify(undefined, [KEYS_TABLE])).toMatchObject({ ok: true, broken: [] });
    await audit.close();
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
    await attack(statement);
    const { broken } = await verify(undefined, [KEYS_TABLE]);
    expect(broken).toContainEqual(
      expect.objectContaining({ place: `test_key ${id}`, what: expect.stringMatching(what) as string }),
    );
  });

  it('that Howdah bound and never told of are named', async () => {
    const eventId = randomUUID();
    const { key_id: keyId, mac } = bindRow(store.keys, 'test_key', { ...row('c') }, eventId);
    await attack(
      `insert into howdah.test_key select 'c', roles, expires_at, uses, revoked, hash, narrowing, '${eventId}', '${keyId}', '${mac}'
         from howdah.test_key where id = 'a'`,
    );
    expect(found(await verify(undefined, [KEYS_TABLE]))).toEqual(named('test_key c', null, /No event in the log/));
    await audit.close();
  });

  it('include secrets that are sealed: one that was moved or planted is named', async () => {
    const { keyId, bytes } = store.keys.seal(Buffer.from('s3'), 'a');
    await attack(`insert into howdah.sealed values ('a', '${keyId}', '\\x${bytes.toString('hex')}')`);
    expect(await verify()).toMatchObject({ ok: true });
    await attack(`update howdah.sealed set name = 'b' where name = 'a'`);
    expect(found(await verify())).toEqual(named('sealed b', null, /cannot be opened/));
    await audit.close();
  });
});

describe('months that are older than audit.retention', () => {
  /** The first day of a month so many before this one. */
  const monthsAgo = (months: number) => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
  };
  const nameOf = (month: Date) => `audit_event_${month.toISOString().slice(0, 7).replace('-', '_')}`;

  /** Chains of long ago: one that ended then, and one that goes on into a month that is kept. */
  async function age(): Promise<void> {
    const [old, kept] = [monthsAgo(5), monthsAgo(2)];
    for (const month of [old, kept])
      await store.exchange([
        {
          text: 'select howdah.make_audit_partition($1::date), howdah.make_statement_partition($1::date)',
          values: [month.toISOString()],
        },
      ]);
    const [opened, ended] = (await events()) as [AuditEvent, AuditEvent];
    for (const chain of ['long-gone', 'going-on']) {
      await attack(`insert into howdah.audit_chain (chain, secret_hash, writer, opened_at, seen_at)
        values ('${chain}', sha256('${chain}'), '{}', '${old.toISOString()}', now())`);
      let head: Head = { chain, sequence: -1, hash: '0'.repeat(64) };
      const times = [1, 2, 3].map((second) => new Date(old.getTime() + second * 1000));
      const later = chain === 'going-on' ? [1, 2].map((second) => new Date(kept.getTime() + second * 1000)) : [];
      for (const at of [...times, ...later]) {
        const event = { ...(head.sequence < 0 ? opened : ended), id: randomUUID(), at: at.toISOString() };
        head = await insert(event, head);
      }
    }
  }

  const drop = () => dropOldMonths({ store, audit });

  beforeEach(async () => {
    await call(1);
    await age();
    await checkpoints.take();
  });

  it('are dropped with a signature, on record, and the log is whole without them', async () => {
    expect(await verify(file)).toMatchObject({ ok: true, events: 10 });
    await drop(); // kept for ever
    expect((await verify()).events).toBe(10);
    await (await stores.open(database, { audit: { retention: '3 months' } })).close();
    await drop();
    const { rows } = await database.asRunRole(
      `select to_regclass('howdah.${nameOf(monthsAgo(5))}') as old, to_regclass('howdah.${nameOf(monthsAgo(2))}') is null as kept`,
    );
    expect(rows).toEqual([{ old: null, kept: false }]);
    await checkpoints.take();
    expect(await verify(file)).toMatchObject({
      ok: true,
      events: 5,
      notes: [expect.stringMatching(/^6 events of 1 months were dropped by age/) as string],
    });
    const told = (await events()).filter(({ operation }) => operation === 'audit_retention');
    expect(told.map(({ details }) => details)).toEqual([
      { month: monthsAgo(5).toISOString().slice(0, 10), events: 6, chains: 2 },
    ]);
    await drop();
    expect((await events()).length).toBe(5);
    // what goes on behind is held to what was signed
    await attack(`delete from howdah.audit_event where chain = 'going-on' and sequence = 3`);
    expect(found(await verify())).toEqual(named('going-on', 4, /The event 3 before it is gone/));
    await audit.close();
  });

  it('are kept when they are not whole, or not signed as they are', async () => {
    await (await stores.open(database, { audit: { retention: '3 months' } })).close();
    const month = monthsAgo(5).toISOString();
    await expect(database.asRunRole(`select howdah.drop_audit_partition('${month}')`)).rejects.toThrow(
      'was not signed',
    );
    await expect(
      database.asRunRole(`select howdah.drop_audit_partition('${monthsAgo(2).toISOString()}')`),
    ).rejects.toThrow('is not older');
    await attack(`update howdah.audit_event set rows = 9 where chain = 'long-gone' and sequence = 1`);
    await expect(drop()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(found(await verify())).toEqual(named('long-gone', 1, /hash is wrong/));
    await audit.close();
  });

  it('are missed when somebody else dropped them, or forged what is signed of it', async () => {
    await attack(`drop table howdah.${nameOf(monthsAgo(5))}`);
    const gone = await verify();
    expect(gone.broken.map(({ place, sequence }) => [place, sequence])).toEqual([
      ['going-on', 3],
      ['long-gone', 0],
    ]);
    const month = monthsAgo(5).toISOString().slice(0, 10);
    const body = JSON.stringify({ at: new Date().toISOString(), chains: [], events: 6, month, type: 'dropped' });
    await attack(
      `insert into howdah.audit_dropped (month, body, key_id, signature) values ('${month}', '${body}', '${store.keys.keyId}', 'AAAA')`,
    );
    expect((await verify()).broken).toContainEqual(
      expect.objectContaining({
        place: `audit_dropped ${month}`,
        what: expect.stringMatching('signature is wrong') as string,
      }),
    );
    await audit.close();
  });
});

/** As somebody would who knows how hashes are made. */
async function insert(event: AuditEvent, previous: Head): Promise<Head> {
  const placed = { ...event, chain: previous.chain, sequence: previous.sequence + 1, previous_hash: previous.hash };
  const { head } = sealEvent(redraft(placed), {
    chain: previous.chain,
    sequence: previous.sequence,
    hash: previous.hash,
  });
  const names = Object.keys(placed).filter((name) => name !== 'hash');
  const value = (name: string): string => {
    const item: unknown = placed[name as keyof AuditEvent];
    if (item === null) return 'null';
    const isJson = name === 'input' || name === 'details';
    const text = isJson ? canonicalJson(item) : Array.isArray(item) ? `{${item.join(',')}}` : String(item);
    return `'${text.replaceAll("'", "''")}'`;
  };
  await attack(
    `insert into howdah.audit_event (${names.join(', ')}, hash) values (${names.map(value).join(', ')}, '${head.hash}')`,
  );
  return head;
}

async function rewrite(chain: string, change: (event: AuditEvent) => AuditEvent): Promise<void> {
  const old = (await events()).filter((event) => event.chain === chain);
  await attack(`delete from howdah.audit_event where chain = '${chain}'`);
  let head: Head = { chain, sequence: -1, hash: '0'.repeat(64) };
  for (const event of old) {
    head = await insert(change(event), head);
  }
}
