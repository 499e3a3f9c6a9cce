/** Whoever has the database, as its owner or superuser, cannot change the audit log without `audit verify` naming it. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { countEvents } from '../src/audit/checkpoints.ts';
import type { Head } from '../src/audit/chain.ts';
import type { StoreReport } from '../src/audit/store-verify.ts';
import type { AuditEvent } from '../src/contract/audit-event.ts';
import { CALL, found, makeBench, whole, type AuditBench } from './audit-kit.ts';
import { openAudit, useOwnStores } from './store-kit.ts';

const stores = useOwnStores();

let bench: AuditBench;
beforeEach(async () => {
  bench = await makeBench(stores);
});

const named = (place: string, sequence: number | null, what: RegExp) => ({
  ok: false,
  broken: [[place, sequence, expect.stringMatching(what) as string]],
});

describe('an audit log that nobody touched', () => {
  it('is found whole, with and without the checkpoints outside the store', async () => {
    await bench.lively();
    expect(await bench.verify()).toMatchObject({ ok: true, events: 12, chains: 2, broken: [], notes: [] });
    expect((await bench.verify()).limits).toMatch('newest events and checkpoints were removed together');
    const report = await bench.verify(bench.file);
    expect(report).toMatchObject({ ok: true, checkpoints: { count: 3 }, external: { count: 3 } });
    expect(report.external?.newest).toEqual(report.checkpoints.newest);
    await bench.audit.close();
  });

  it('is found whole while it is written to', async () => {
    await bench.call(1);
    await bench.checkpoints.take();
    const writing = (async () => {
      for (let i = 0; i < 300; i++) {
        await Promise.all([bench.audit.record(CALL), bench.audit.record(CALL), bench.checkpoints.take()]);
      }
    })();
    for (let i = 0; i < 5; i++) expect(found(await bench.verify(bench.file))).toEqual(whole);
    await writing;
    expect(await bench.verify(bench.file)).toMatchObject({ ok: true, events: 602 });
    await bench.audit.close();
  });
});

describe('checkpoints', () => {
  it('have the heads and counts of all chains, and are taken when something is new only', async () => {
    const { first, second } = await bench.lively();
    await bench.checkpoints.take();
    const { rows } = await bench.database.asRunRole('select body from howdah.audit_checkpoint order by number');
    const bodies = rows.map(({ body }) => JSON.parse(body as string) as Record<string, unknown>);
    expect(bodies.map(({ number, totals }) => [number, totals])).toEqual([
      [1, { chains: 1, events: 4 }],
      [2, { chains: 1, events: 7 }],
      [3, { chains: 2, events: 12 }],
    ]);
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
    expect(bodies[2]?.['chains']).toEqual([
      { chain: first, sequence: 6, events: 7, hash },
      { chain: second, sequence: 4, events: 5, hash },
    ]);
    expect(readFileSync(bench.file, 'utf8').trim().split('\n')).toHaveLength(3);
    expect(statSync(bench.file).mode & 0o777).toBe(0o600);
    await bench.audit.close();
  });

  it('are asked for after a thousand events, and not again for each more', async () => {
    let nudges = 0;
    const count = countEvents(() => nudges++);
    count(999);
    await sleep(250);
    expect(nudges).toBe(0);
    for (let i = 0; i < 100; i++) count(1000);
    await sleep(250);
    expect(nudges).toBe(1);
    count(1000);
    await sleep(250);
    expect(nudges).toBe(2);
    await bench.audit.close();
  });
});

type Attack = readonly [
  title: string,
  statements: readonly string[],
  place: 'first' | 'second',
  sequence: number | null,
  what: RegExp,
];

const change = (title: string, set: string): Attack => [
  title,
  [`update howdah.audit_event set ${set} where chain = $first and sequence = 2`],
  'first',
  2,
  /hash is wrong/,
];

const ATTACKS: readonly Attack[] = [
  change('a text', `principal_subject = 'eve'`),
  change('a number', 'rows = 4'),
  change('a duration', 'duration_ms = 0.25'),
  change('a truth', 'truncated = true'),
  change('the arguments', `input = '{"exact":1.5,"limit":20,"name":"other"}'`),
  change('another spelling of the arguments', `input = '{"exact":1.5,"limit":20,"name":"other","name":"orders"}'`),
  change('the time', `at = at + interval '1 millisecond'`),
  change('the era', `at = (at::text || ' BC')::timestamptz`),
  change('the roles', `principal_roles = '{admin}'`),
  change('what was null', `purpose = 'support'`),
  change('the hash', `hash = repeat('0', 64)`),
  change('the link', `previous_hash = repeat('0', 64)`),
  [
    'an event that is too large to be read',
    [`update howdah.audit_event set input = to_json(repeat('x', 20000000)) where chain = $first and sequence = 2`],
    'first',
    2,
    /cannot be read/,
  ],
  [
    'events that are too large to be read together',
    [`update howdah.audit_event set input = to_json(repeat('x', 6000000)) where chain = $first`],
    'first',
    0,
    /hash is wrong/,
  ],
  [
    'a deleted event',
    [`delete from howdah.audit_event where chain = $first and sequence = 2`],
    'first',
    3,
    /The event 2 before it is gone/,
  ],
  [
    'a deleted beginning',
    [`delete from howdah.audit_event where chain = $first and sequence < 2`],
    'first',
    2,
    /2 events before it are gone/,
  ],
  [
    'a truncated end',
    [`delete from howdah.audit_event where chain = $first and sequence > 3`],
    'first',
    4,
    /truncated: the checkpoint 2 of .* has its event 6/,
  ],
  [
    'an inserted event with a made-up hash',
    [
      `insert into howdah.audit_event (id, at, kind, principal_roles, chain, sequence, previous_hash, hash)
       values (gen_random_uuid(), now(), 'ended', '{}', $second, 5, repeat('0', 64), repeat('1', 64))`,
    ],
    'second',
    5,
    /hash is wrong/,
  ],
  [
    'an event in a place beyond what numbers can tell apart',
    [
      `insert into howdah.audit_event (id, at, kind, principal_roles, chain, sequence, previous_hash, hash)
       values (gen_random_uuid(), 'infinity', 'ended', '{}', $second, 9007199254740993, repeat('0', 64), repeat('1', 64))`,
    ],
    'second',
    9_007_199_254_740_992,
    /hash is wrong/,
  ],
  [
    'an unknown chain',
    [`delete from howdah.audit_chain where chain = $first`],
    'first',
    null,
    /not in howdah.audit_chain/,
  ],
  [
    'a chain that was deleted with all that names it but the checkpoints',
    ['event', 'chain', 'head'].map((table) => `delete from howdah.audit_${table} where chain = $first`),
    'first',
    0,
    /deleted: the checkpoint 1/,
  ],
];

const isSome = (rows: unknown) => Number(rows) > 0;

const TABLES = ['audit_event', 'audit_chain', 'audit_head', 'audit_checkpoint'];
const KEEP = TABLES.map((table) => `create table howdah.kept_${table} as select * from howdah.${table}`);
const PUT_BACK = TABLES.flatMap((table) => [
  `delete from howdah.${table}`,
  `insert into howdah.${table} select * from howdah.kept_${table}`,
]);

describe('what was changed by whoever has the database is named:', () => {
  it('AU-08: columns, deleted and inserted events, ends, chains', async () => {
    const chains = await bench.lively();
    await bench.attack(...KEEP);
    for (const [title, statements, place, sequence, what] of ATTACKS) {
      const texts = statements.map((text) =>
        text.replaceAll(/\$(first|second)/g, (_, name: 'first' | 'second') => `'${chains[name]}'`),
      );
      expect([title, await bench.attack(...texts)]).toEqual([
        title,
        texts.map(() => expect.toSatisfy(isSome) as number),
      ]);
      expect([title, found(await bench.verify())]).toEqual([title, named(chains[place], sequence, what)]);
      await bench.attack(...PUT_BACK);
    }
    expect(found(await bench.verify(bench.file))).toEqual(whole);
    await bench.audit.close();
  }, 60_000);

  it('AU-08: an inserted event whose hash is right, behind the end or in the place of another', async () => {
    const { first, second } = await bench.lively();
    const all = await bench.events();
    const last = all.findLast(({ chain }) => chain === first) as AuditEvent;
    await bench.insert({ ...last, kind: 'ended', at: new Date().toISOString() }, last);
    expect(found(await bench.verify())).toEqual(named(first, 7, /behind the closing event/));
    await bench.attack(`delete from howdah.audit_event where chain = '${first}' and sequence = 7`);
    const [third, fourth] = all.filter(({ chain }) => chain === second).slice(2) as [AuditEvent, AuditEvent];
    await bench.insert({ ...fourth, at: new Date(Date.parse(fourth.at) + 5).toISOString(), rows: 9 }, third);
    expect(found(await bench.verify())).toEqual(named(second, 3, /Its place is taken/));
    await bench.audit.close();
  });

  it('AU-08: a chain of a writer that never was', async () => {
    await bench.lively();
    const [opened] = (await bench.events()) as [AuditEvent];
    await bench.insert(opened, { chain: 'planted', sequence: -1, hash: '0'.repeat(64) });
    expect(found(await bench.verify())).toEqual(named('planted', null, /No writer has begun/));
    await bench.audit.close();
  });

  it('AU-08: events that changed places', async () => {
    const { first } = await bench.lively();
    const swap = `update howdah.audit_event set sequence = case sequence when 2 then 3 else 2 end
      where chain = '${first}' and sequence in (2, 3)`;
    await bench.attack(`drop index howdah.audit_event_place`, swap);
    expect(found(await bench.verify())).toEqual(named(first, 2, /hash is wrong/));
    await bench.audit.close();
  });

  it('AU-08: a chain that was rewritten whole, with hashes that are right', async () => {
    const { first } = await bench.lively();
    const old = (await bench.events()).filter(({ chain }) => chain === first);
    await bench.attack(`delete from howdah.audit_event where chain = '${first}'`);
    let head: Head = { chain: first, sequence: -1, hash: '0'.repeat(64) };
    for (const event of old) head = await bench.insert({ ...event, rows: event.kind === 'ended' ? 1 : null }, head);
    expect(found(await bench.verify())).toEqual(named(first, 3, /rewritten: the checkpoint 1/));
    await bench.audit.close();
  });

  it('AU-08: a month that was dropped', async () => {
    const { first, second } = await bench.lively();
    const month = new Date().toISOString().slice(0, 7).replace('-', '_');
    await bench.attack(`drop table howdah.audit_event_${month}`);
    expect(places(await bench.verify())).toEqual([first, second]);
  });
});

const places = ({ broken }: StoreReport) => broken.map(({ place }) => place);

describe('checkpoints that were tampered with', () => {
  it.each([
    [
      'changed',
      `update howdah.audit_checkpoint set body = replace(body, '7', '8') where number = 2`,
      2,
      /signature is wrong/,
    ],
    ['deleted', `delete from howdah.audit_checkpoint where number = 2`, 3, /1 checkpoints before it are gone/],
    [
      'deleted at the beginning',
      `delete from howdah.audit_checkpoint where number = 1`,
      2,
      /1 checkpoints before it are gone/,
    ],
  ])('are named: %s', async (_, statement, number, what) => {
    await bench.lively();
    await bench.attack(statement);
    expect(found(await bench.verify())).toEqual(named('checkpoints', number, what));
    await bench.audit.close();
  });

  it('are named: planted; and the next ones are taken all the same, upon what Howdah signed', async () => {
    await bench.lively();
    const plant = (number: string) =>
      bench.database.asRunRole(`insert into howdah.audit_checkpoint values (${number}, now(), 'no JSON', 'mine', 'x')`);
    await plant('4');
    await plant('9223372036854775807');
    await bench.call(2);
    await bench.checkpoints.take();
    const { rows } = await bench.database.asRunRole(
      `select number, body::json ->> 'totals' as totals from howdah.audit_checkpoint where number = 5`,
    );
    expect(rows).toMatchObject([{ number: '5', totals: expect.stringContaining('"events":14') as string }]);
    expect((await bench.verify()).broken[0]).toMatchObject({ place: 'checkpoints', sequence: 4 });
    await bench.audit.close();
  });

  it('are named: of another key, or put in the place of another', async () => {
    await bench.lively();
    await bench.attack(...KEEP, `update howdah.audit_checkpoint set key_id = 'mine' where number = 3`);
    expect(found(await bench.verify())).toEqual(named('checkpoints', 3, /key mine, which is not known/));
    await bench.attack(
      ...PUT_BACK,
      `update howdah.audit_checkpoint c set body = k.body, signature = k.signature
         from howdah.kept_audit_checkpoint k where c.number = 3 and k.number = 2`,
    );
    expect(found(await bench.verify())).toEqual(named('checkpoints', 3, /in the place of the checkpoint 3/));
    await bench.audit.close();
  });

  it('at the end are missed by those outside the store, with the events that they had', async () => {
    const { second } = await bench.lively();
    await bench.attack(
      `delete from howdah.audit_event where chain = '${second}' and sequence > 2`,
      `delete from howdah.audit_checkpoint where number = 3`,
    );
    expect(found(await bench.verify())).toEqual(whole); // nothing in the store can show it
    const report = await bench.verify(bench.file);
    expect(found(report)).toEqual({
      ok: false,
      broken: [
        [second, 3, expect.stringMatching(/truncated: the file, checkpoint 3/) as string],
        ['file of checkpoints', 3, expect.stringMatching('lacks this') as string],
      ],
    });
    expect(report.lost.checkpoints).toMatchObject({ from: 3, to: 3 });
  });

  it('outside the store are not believed when they are forged', async () => {
    await bench.lively();
    const lines = readFileSync(bench.file, 'utf8').trim().split('\n');
    writeFileSync(bench.file, [lines[0], lines[1]?.replace('events', 'evenst'), 'x', lines[2], ''].join('\n'));
    const report = await bench.verify(bench.file);
    expect(found(report)).toEqual(named('file of checkpoints', null, /Line 2 of the file: Its signature is wrong/));
    await bench.audit.close();
  });
});

describe('AU-11: replicas whose clocks differ', () => {
  it('AU-11: write chains of their own, each in the order of its sequence, with the time of the store beside', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const behind = new Date(Date.now() - 3_600_000).toISOString();
    const { audit, database, store, checkpoints } = bench;
    const other = await openAudit(store, database);
    await Promise.all([audit.record({ ...CALL, at: ahead }), other.record({ ...CALL, at: behind })]);
    await Promise.all([audit.record(CALL), other.record(CALL)]);
    await checkpoints.take();
    expect(await bench.verify(bench.file)).toMatchObject({ ok: true, chains: 2, events: 6 });
    const { rows } = await database.asRunRole(
      `select opened_at between clock_timestamp() - interval '1 minute' and clock_timestamp() as is_now from howdah.audit_chain`,
    );
    expect(rows).toEqual([{ is_now: true }, { is_now: true }]);
    await Promise.all([audit.close(), other.close()]);
  });
});
