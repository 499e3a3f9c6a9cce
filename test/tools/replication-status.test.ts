import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
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
  type Row,
} from '../postgres/platform.ts';
import { useClusterAlone } from '../postgres/sessions.ts';
import { follow } from './advice.ts';

const SOME_TIME: unknown = expect.stringMatching(/Z$/);
const LSN = /^[0-9A-F]+\/[0-9A-F]+$/;
const all = { limit: 500 };
const unique = (name: string) => `${name}_${randomBytes(4).toString('hex')}`;

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

function slotOf(answer: Answer, name: string): Row | undefined {
  return listOf(answer, 'slots').find(({ slot }) => slot === name);
}

function findingOn({ findings }: Answer, object: string) {
  return findings.find((finding) => finding.object === object);
}

const subscriptionOf = (answer: Answer, name: string) =>
  listOf(answer, 'subscriptions').find(({ subscription }) => subscription === name);

/** Leaves the slot on the publisher. */
async function dropSubscription(url: string, name: string): Promise<void> {
  await runAs(
    url,
    `alter subscription ${name} disable`,
    `alter subscription ${name} set (slot_name = none)`,
    `drop subscription ${name}`,
  );
}

const standbyOf = (answer: Answer) => listOf(answer, 'standbys').find(({ slot }) => slot === 'standby');

describeEachMajor('replication_status', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('knows that it is a primary and where its WAL is, for %s', async (login) => {
    const answer = await howdah(login).call('replication_status', all);
    expect(answer['position']).toMatchObject({
      standby: false,
      wal_lsn: expect.stringMatching(LSN),
      replay_lsn: null,
      replay_lag_s: null,
      receiving: null,
      wal_level: 'logical',
      synchronous_standby_names: null,
    });
    expect(answer).toMatchObject({ receiver: null, conflicts: [], truncated: false, archiver: { failing: false } });
    expect((answer.not_examined ?? []).map(({ remedy }) => remedy)).toEqual(
      login === 'plain' ? ['GRANT pg_monitor TO "plain";'] : [],
    );
  });

  it.each(loginsOf(cluster))('finds a slot that keeps WAL for nobody, and how much, for %s', async (login) => {
    const slot = unique('planted');
    const { superuserUrl } = clone();
    await runAs(superuserUrl, `select pg_create_physical_replication_slot('${slot}', true)`);
    await runAs(superuserUrl, 'create table wal as select generate_series(1, 20000) as n', 'drop table wal');
    const answer = await howdah(login).call('replication_status', all);
    expect(slotOf(answer, slot)).toMatchObject({
      type: 'physical',
      active: false,
      database: null,
      temporary: false,
      wal_status: cluster.major >= 13 ? 'reserved' : null,
      inactive_since: cluster.major >= 17 ? SOME_TIME : null,
      conflicting: null,
      synced: false,
    });
    expect(slotOf(answer, slot)?.['retained_size']).toBeGreaterThan(1_000_000);
    expect(findingOn(answer, slot)?.severity).not.toBe('warning');
    const strict = await howdah(login).call('replication_status', { ...all, max_slot_size: 1_000_000 });
    expect(findingOn(strict, slot)).toMatchObject({ severity: 'warning' });
    await follow(superuserUrl, findingOn(strict, slot) ?? { severity: 'ok', claim: 'none', evidence: {} });
    expect(slotOf(await howdah(login).call('replication_status', all), slot)).toBeDefined(); // to drop it is left to people
    await runAs(superuserUrl, `select pg_drop_replication_slot('${slot}')`);
  });

  it.each(loginsOf(cluster))('lists publications, and what each publishes, for %s', async (login) => {
    const [some, every] = [unique('we.ird "Some"'), unique('every')];
    await runAs(
      clone().superuserUrl,
      `create publication "${some.replaceAll('"', '""')}" for table shop."Order", shop.customers with (publish = 'insert, update')`,
      `create publication ${every} for all tables`,
    );
    const answer = await howdah(login).call('replication_status', all);
    const publicationOf = (name: string) =>
      listOf(answer, 'publications').find(({ publication }) => publication === name);
    expect(publicationOf(some)).toMatchObject({
      owner: 'postgres',
      all_tables: false,
      tables: 2,
      schemas: 0,
      inserts: true,
      deletes: false,
    });
    expect(publicationOf(every)).toMatchObject({ all_tables: true, tables: 0, truncates: true });
  });

  it('follows a subscription that works, from both ends', async () => {
    const [name, publication] = [unique('works'), unique('publication')];
    const subscriber = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const { superuserUrl } = clone();
    const table = 'create table published (id integer primary key)';
    await runAs(
      superuserUrl,
      table,
      `create publication ${publication} for table published`,
      `select pg_create_logical_replication_slot('${name}', 'pgoutput')`,
    );
    const options = `create_slot = false, slot_name = '${name}', copy_data = false`;
    await runAs(subscriber.superuserUrl, table);
    await runAs(
      subscriber.superuserUrl,
      `create subscription ${name} connection '${superuserUrl}' publication ${publication} with (${options})`,
    );
    const namesake = `create subscription ${name} connection 'host=127.0.0.1' publication p with (connect = false)`;
    await runAs(superuserUrl, namesake);
    const reader = await openHowdah(subscriber.monitorUrl);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await expect
        .poll(async () => subscriptionOf(await reader.call('replication_status', all), name), { timeout: 10_000 })
        .toMatchObject({
          pid: expect.any(Number),
          tables: 1,
          tables_not_ready: 0,
          received_lsn: expect.stringMatching(LSN),
        });
      const { findings } = await reader.call('replication_status', all);
      expect(findings.filter(({ evidence }) => evidence['database'] === subscriber.name)).toEqual([]);
      const answer = await howdah('monitor').call('replication_status', all);
      expect(slotOf(answer, name)).toMatchObject({
        type: 'logical',
        plugin: 'pgoutput',
        database: clone().name,
        active: true,
        unconfirmed_size: expect.any(Number),
      });
      expect(listOf(answer, 'standbys')).toContainEqual(
        expect.objectContaining({ slot: name, database: clone().name, state: 'streaming', application: name }),
      );
      const both = listOf(answer, 'subscriptions').filter(({ subscription }) => subscription === name);
      expect(both).toEqual([
        expect.objectContaining({ database: clone().name, pid: null, enabled: false, tables: 0 }),
        expect.objectContaining({ database: subscriber.name, pid: expect.any(Number), enabled: true, tables: null }),
      ]);
      const half = await narrow.call('replication_status', all);
      expect(slotOf(half, name)).toMatchObject({ active: true });
      expect(subscriptionOf(half, name)).toMatchObject({ database: clone().name });
      expect(JSON.stringify(half)).not.toContain(subscriber.name);
      expect(half.not_examined?.[0]?.what).toMatch(/of other databases, among .*subscriptions/);
    } finally {
      for (const url of [superuserUrl, subscriber.superuserUrl]) await dropSubscription(url, name);
      await expect
        .poll(
          () =>
            runAs(superuserUrl, `select pg_drop_replication_slot('${name}')`).then(
              () => true,
              () => false,
            ),
          { timeout: 10_000 },
        )
        .toBe(true);
      await reader.close();
      await narrow.close();
      await subscriber.drop();
    }
  });

  it.each(loginsOf(cluster))(
    'shows a subscription that fails and one that is disabled, never how it connects, for %s',
    async (login) => {
      const [broken, disabled, password] = [unique('broken'), unique('disabled'), randomBytes(8).toString('hex')];
      const { superuserUrl } = clone();
      const create = (name: string) =>
        `create subscription ${name} connection 'host=127.0.0.1 port=1 password=${password}' publication p with (connect = false)`;
      await runAs(superuserUrl, create(broken), create(disabled), `alter subscription ${broken} enable`);
      try {
        const status = () => howdah(login).call('replication_status', all);
        await expect
          .poll(async () => findingOn(await status(), `"${broken}"`), { timeout: 10_000 })
          .toMatchObject({ severity: 'warning', claim: expect.stringContaining('No worker applies changes') });
        const answer = await status();
        expect(findingOn(answer, `"${disabled}"`)).toMatchObject({ severity: 'notice', evidence: { enabled: false } });
        expect(subscriptionOf(answer, disabled)).toMatchObject({
          database: clone().name,
          owner: 'postgres',
          slot: disabled,
          publications: ['p'],
          pid: null,
          tables: 0,
        });
        expect(subscriptionOf(answer, broken)?.['apply_errors'] === null).toBe(cluster.major < 15);
        expect(JSON.stringify(answer)).not.toContain(password);
      } finally {
        for (const name of [broken, disabled]) await dropSubscription(superuserUrl, name);
      }
    },
  );

  it('says that a list was cut', async () => {
    const names = [unique('cut'), unique('cut')];
    for (const name of names)
      await runAs(clone().superuserUrl, `select pg_create_physical_replication_slot('${name}')`);
    const answer = await howdah('monitor').call('replication_status', { limit: 1 });
    expect(listOf(answer, 'slots')).toHaveLength(1);
    expect(answer.truncated).toBe(true);
    for (const name of names) await runAs(clone().superuserUrl, `select pg_drop_replication_slot('${name}')`);
  });

  it('shows a receiver of logical changes once, however many slots it holds, and only who may see its database', async () => {
    const [one, two] = [unique('held'), unique('held')];
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    const application = unique('payroll_sub');
    try {
      const url = `${other.superuserUrl}?replication=database&application_name=${application}`;
      const seen = async () =>
        listOf(await howdah('monitor').call('replication_status', all), 'standbys').filter(
          (row) => row['application'] === application,
        );
      await withSession(url, async (receiver) => {
        expect(await seen()).toMatchObject([{ database: other.name, slot: null, state: 'startup' }]);
        for (const tool of ['replication_status', 'server_overview']) {
          const answer = await narrow.call(tool, { limit: 500 });
          expect(JSON.stringify(answer)).not.toContain(application);
          expect(answer.not_examined?.[0]?.what).toMatch(/among .*standbys and other receivers of WAL/);
        }
        for (const slot of [one, two])
          await receiver.query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput`);
        expect(await seen()).toMatchObject([{ database: other.name }]);
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('answers to get_replication_status', async () => {
    expect(await howdah('monitor').call('get_replication_status')).toMatchObject({ position: { standby: false } });
  });
});

describeEachStandby('replication_status of a pair', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('shows the standby and its lag to the primary, as %s', async (login) => {
    const row = standbyOf(await primary(login).call('replication_status', all));
    const seen = {
      state: 'streaming',
      sync_state: 'async',
      lag_size: expect.any(Number),
      unsent_size: expect.any(Number),
    };
    const hidden = { state: null, sync_state: null, lag_size: null, unsent_size: null, client_address: null };
    expect(row).toMatchObject({ application: 'standby', user: 'postgres', ...(login === 'plain' ? hidden : seen) });
  });

  it.each(LOGINS)('shows the standby where it receives from, as %s', async (login) => {
    const answer = await standby(login).call('replication_status', all);
    expect(answer['position']).toMatchObject({
      standby: true,
      receiving: true,
      replay_paused: false,
      replay_lsn: expect.stringMatching(LSN),
      apply_delay_s: 0,
    });
    const hidden = login === 'plain';
    expect(answer['receiver']).toMatchObject({
      status: hidden ? null : 'streaming',
      upstream_port: hidden ? null : cluster.port,
      slot: hidden ? null : 'standby',
      timeline: hidden ? null : 1,
    });
    expect(JSON.stringify(answer)).not.toContain('conninfo');
  });

  it('does not call a standby late that replays one long transaction', async () => {
    await withSession(clone().superuserUrl, async (writer) => {
      await writer.query('create table loaded (n integer)');
      const load = writer.query(
        `do $$ begin while clock_timestamp() < now() + interval '5 s' loop insert into loaded select generate_series(1, 500); end loop; end $$`,
      );
      const limits = { ...all, max_lag_s: 1 };
      const claims: string[] = [];
      try {
        // the last commit is old, and a little WAL is always under way
        await expect
          .poll(
            async () => {
              const answer = await standby('monitor').call('replication_status', limits);
              claims.push(...answer.findings.map(({ claim }) => claim));
              return Number((answer['position'] as Row)['replay_lag_s']);
            },
            { timeout: 20_000, interval: 20 },
          )
          .toBeGreaterThan(1);
      } finally {
        await load;
      }
      expect(claims).not.toContain('This standby replays behind the primary.');
    });
  });

  it('measures how far a standby is behind whose replay is paused, from both ends', async () => {
    await runAs(cluster.standby.superuserUrl, 'select pg_wal_replay_pause()');
    try {
      await runAs(clone().superuserUrl, 'create table behind as select generate_series(1, 20000) as n');
      const limits = { ...all, max_lag_size: 500_000, max_lag_s: 3600 };
      await expect
        .poll(async () =>
          Number(standbyOf(await primary('monitor').call('replication_status', limits))?.['unreplayed_size']),
        )
        .toBeGreaterThan(500_000);
      const here = await primary('monitor').call('replication_status', limits);
      expect(here.findings).toContainEqual(
        expect.objectContaining({
          severity: 'warning',
          claim: 'A standby has much WAL still to receive or to replay.',
        }),
      );
      const patient = await primary('monitor').call('replication_status', all);
      expect(patient.findings.map(({ claim }) => claim)).not.toContain(
        'A standby has much WAL still to receive or to replay.',
      );
      const there = await standby('plain').call('replication_status', all);
      expect(there['position']).toMatchObject({ replay_paused: true });
      expect(Number((there['position'] as Row)['replay_lag_size'])).toBeGreaterThan(500_000);
      const paused = there.findings.find(({ claim }) => claim === 'Replay is paused on this standby.');
      expect(paused).toMatchObject({ severity: 'warning' });
      // it may have paused at a recovery target, or for a setting: what is advised must not resume it
      if (paused) await follow(cluster.standby.superuserUrl, paused);
      const after = await standby('plain').call('replication_status', all);
      expect(after['position']).toMatchObject({ standby: true, replay_paused: true });
    } finally {
      await runAs(cluster.standby.superuserUrl, 'select pg_wal_replay_resume()');
    }
  });
});
