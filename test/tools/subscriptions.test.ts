import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { caughtUp, cloneDatabase, useClone, type Clone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Howdah,
  type Row,
} from '../postgres/platform.ts';

const LSN: unknown = expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/);
const all = { limit: 500 };
const unique = (name: string) => `${name}_${randomBytes(4).toString('hex')}`;
const listOf = (answer: Answer, part: string) => answer[part] as readonly Row[];
const named = ({ rows }: Answer, name: string) => rows.find(({ subscription }) => subscription === name);
const claimsOn = ({ findings }: Answer, name: string) =>
  findings.filter(({ object }) => object === `"${name}"`).map(({ severity, claim }) => `${severity}: ${claim}`);

/** A publisher and a subscriber, which are databases of one cluster. */
interface Pair {
  readonly name: string;
  readonly publisher: string;
  readonly subscriber: Clone;
  readonly howdah: Howdah;
}

const TABLES = [
  'create table published (id integer primary key, note text)',
  'create table "Sec ond" (id integer primary key)',
];

describeEachMajor('subscriptions', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  async function withPair(work: (pair: Pair) => Promise<void>, options = ''): Promise<void> {
    const name = unique('sub');
    const publisher = clone().superuserUrl;
    const subscriber = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const reader = await openHowdah(subscriber.monitorUrl);
    const slot = `create_slot = false, slot_name = '${name}', copy_data = false`;
    await runAs(
      publisher,
      ...TABLES,
      `create publication ${name} for table published, "Sec ond"`,
      `select pg_create_logical_replication_slot('${name}', 'pgoutput')`,
    );
    await runAs(
      subscriber.superuserUrl,
      ...TABLES,
      `create subscription ${name} connection '${publisher}' publication ${name} with (${slot}${options})`,
    );
    try {
      await work({ name, publisher, subscriber, howdah: reader });
    } finally {
      await runAs(
        subscriber.superuserUrl,
        `alter subscription ${name} disable`,
        `alter subscription ${name} set (slot_name = none)`,
        `drop subscription ${name}`,
      );
      await expect
        .poll(
          () =>
            runAs(publisher, `select pg_drop_replication_slot('${name}')`).then(
              () => true,
              () => false,
            ),
          {
            timeout: 10_000,
          },
        )
        .toBe(true);
      await runAs(publisher, `drop publication ${name}`, 'drop table published, "Sec ond"');
      await reader.close();
      await subscriber.drop();
    }
  }

  it('shows one that works, its worker, and what holds the worker up', async () => {
    await withPair(async ({ name, publisher, subscriber, howdah: reader }) => {
      const seen = () => reader.call('subscriptions', all);
      await expect
        .poll(async () => named(await seen(), name), { timeout: 10_000 })
        .toMatchObject({ pid: expect.any(Number), received_lsn: LSN, tables: 2, tables_not_ready: 0 });
      const answer = await seen();
      expect(named(answer, name)).toMatchObject({
        database: subscriber.name,
        owner: 'postgres',
        enabled: true,
        slot: name,
        publications: [name],
        sync_workers: 0,
        apply_errors: cluster.major >= 15 ? 0 : null,
        disable_on_error: cluster.major >= 15 ? false : null,
        streaming: cluster.major >= 18 ? 'parallel' : cluster.major >= 14 ? 'off' : null,
        two_phase: cluster.major >= 15 ? 'off' : null,
        origin: cluster.major >= 16 ? 'any' : null,
        failover: cluster.major >= 17 ? false : null,
      });
      expect(claimsOn(answer, name)).toEqual([]);
      expect(listOf(answer, 'workers').filter(({ subscription }) => subscription === name)).toMatchObject([
        { worker_type: 'apply', database: subscriber.name, leader_pid: null, table: null },
      ]);
      expect(answer['tables']).toEqual([]);
      const { findings } = await howdah('monitor').call('replication_slots', all);
      const stays = findings.find(({ claim }) => claim.includes('not copied to the standby'));
      // 18 has a standby here and could copy the slot to it
      const isTold = cluster.major >= 17 && cluster.standby !== undefined;
      expect(stays?.object?.includes(name) === true).toBe(isTold);
      await withSession(subscriber.superuserUrl, async (holder) => {
        await holder.query('begin; lock table published in exclusive mode');
        await runAs(publisher, `insert into published values (1, 'held up')`);
        await expect
          .poll(async () => listOf(await seen(), 'workers').find(({ subscription }) => subscription === name), {
            timeout: 10_000,
          })
          .toMatchObject({ wait_event_type: 'Lock' });
        // what it reads next has been waiting since it was sent
        await expect.poll(async () => Number(named(await seen(), name)?.['message_age_s'])).toBeGreaterThan(0.5);
      });
    });
  });

  it('shows to nobody how one connects, and to each only what their databases have', async () => {
    const [name, password] = [unique('secret'), randomBytes(8).toString('hex')];
    const { superuserUrl } = clone();
    const narrow = await openNarrowHowdah(clone().monitorUrl, 'postgres');
    await runAs(
      superuserUrl,
      `create subscription ${name} connection 'host=127.0.0.1 port=1 password=${password}' publication p, "Q" with (connect = false)`,
    );
    try {
      for (const login of LOGINS) {
        const answer = await howdah(login).call('subscriptions', all);
        expect(named(answer, name)).toMatchObject({ publications: ['p', 'Q'], enabled: false, pid: null });
        expect(claimsOn(answer, name)).toEqual([
          `notice: The subscription "${name}" is disabled, and its slot on the publisher keeps WAL.`,
        ]);
        expect(JSON.stringify(answer)).not.toContain(password);
        expect(JSON.stringify(answer)).not.toContain('conninfo');
      }
      const half = await narrow.call('subscriptions', { ...all, database: 'postgres' });
      expect(JSON.stringify(half)).not.toContain(name);
      expect(half.not_examined?.[0]?.what).toMatch(/of other databases, among subscriptions/);
    } finally {
      await narrow.close();
      await runAs(superuserUrl, `alter subscription ${name} set (slot_name = none)`, `drop subscription ${name}`);
    }
  });

  it.each(loginsOf(cluster))('names the tables whose first copy is not done, for %s', async (login) => {
    const name = unique('copies');
    const { superuserUrl } = clone();
    await runAs(
      superuserUrl,
      ...TABLES,
      `create subscription ${name} connection 'host=127.0.0.1 port=1' publication p with (connect = false)`,
      `insert into pg_subscription_rel (srsubid, srrelid, srsubstate, srsublsn)
       select s.oid, c.oid, case c.relname when 'published' then 'r' else 'd' end, '0/1' from pg_subscription s, pg_class c
        where s.subname = '${name}' and c.relname in ('published', 'Sec ond')`,
    );
    try {
      const answer = await howdah(login).call('subscriptions', all);
      expect(named(answer, name)).toMatchObject({ tables: 2, tables_not_ready: 1 });
      expect(answer['tables']).toEqual([
        { subscription: name, schema: 'public', table: 'Sec ond', state: 'copying', pid: null },
      ]);
    } finally {
      await runAs(
        superuserUrl,
        `alter subscription ${name} set (slot_name = none)`,
        `drop subscription ${name}`,
        'drop table published, "Sec ond"',
      );
    }
  });

  it.runIf(cluster.major >= 15)('counts what fails, and finds one that was disabled by that', async () => {
    await withPair(async ({ name, publisher, subscriber, howdah: reader }) => {
      await runAs(subscriber.superuserUrl, `insert into published values (1, 'in the way')`);
      await runAs(publisher, `insert into published values (1, 'conflicts')`);
      await expect
        .poll(async () => named(await reader.call('subscriptions', all), name), { timeout: 15_000 })
        .toMatchObject({ enabled: false, disable_on_error: true, apply_errors: 1, sync_errors: 0, pid: null });
      const answer = await reader.call('subscriptions', all);
      expect(claimsOn(answer, name)).toEqual([
        `notice: The subscription "${name}" is disabled, and its slot on the publisher keeps WAL.`,
      ]);
      const conflicts = (named(answer, name)?.['conflicts'] ?? null) as unknown as Row | null;
      expect(conflicts?.['insert_exists']).toBe(cluster.major >= 18 ? 1 : undefined);
    }, ', disable_on_error = true');
  });

  it.runIf(cluster.major >= 18)('finds that rows are missing that its publisher changed', async () => {
    await withPair(async ({ name, publisher, subscriber, howdah: reader }) => {
      await runAs(publisher, 'begin', `insert into published values (1, 'one')`, 'commit');
      await expect
        .poll(() => runAs(subscriber.superuserUrl, 'select id from published'), { timeout: 10_000 })
        .toEqual([{ id: 1 }]);
      await runAs(subscriber.superuserUrl, 'delete from published');
      await runAs(publisher, `update published set note = 'two'`);
      await expect
        .poll(async () => claimsOn(await reader.call('subscriptions', all), name), { timeout: 15_000 })
        .toEqual([
          `notice: 1 change of the subscription "${name}" had no row to change here, so that the tables differ.`,
        ]);
    });
  });
});

describeEachStandby('subscriptions of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const standby = useHowdah(() => clone().standby ?? clone());

  it('are known there, and worked on by the primary', async () => {
    const name = unique('copied');
    const { superuserUrl } = clone();
    await runAs(
      superuserUrl,
      `create subscription ${name} connection 'host=127.0.0.1 port=1' publication p with (connect = false)`,
    );
    await caughtUp(cluster);
    try {
      const answer = await standby('monitor').call('subscriptions', all);
      expect(named(answer, name)).toMatchObject({ enabled: false, pid: null });
      expect(claimsOn(answer, name)).toEqual([]);
      expect(answer.not_examined).toMatchObject([{ remedy: 'Ask the primary.' }]);
    } finally {
      await runAs(superuserUrl, `alter subscription ${name} set (slot_name = none)`, `drop subscription ${name}`);
    }
  });
});
