import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
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
import { withSeparateServer } from '../postgres/separate-server.ts';
import { follow } from './advice.ts';

const LSN: unknown = expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/);
const SOME_TIME: unknown = expect.stringMatching(/Z$/);
const all = { limit: 500 };
const unique = (name: string) => `${name}_${randomBytes(4).toString('hex')}`;
const slotOf = ({ rows }: Answer, name: string): Row | undefined => rows.find(({ slot_name }) => slot_name === name);
const findingOn = ({ findings }: Answer, object: string) => findings.find((finding) => finding.object === object);
const drop = (url: string, slot: string) => runAs(url, `select pg_drop_replication_slot('${slot}')`);

describeEachMajor('replication_slots', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('shows what a slot keeps, with all that its version tells, for %s', async (login) => {
    const slot = unique('kept');
    const { superuserUrl } = clone();
    await runAs(superuserUrl, `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    try {
      await runAs(superuserUrl, 'create table wal as select generate_series(1, 20000) as n', 'drop table wal');
      const row = slotOf(await howdah(login).call('replication_slots', all), slot);
      expect(row).toMatchObject({
        slot_type: 'logical',
        plugin: 'pgoutput',
        database: clone().name,
        temporary: false,
        active: false,
        active_pid: null,
        application: null,
        restart_lsn: LSN,
        confirmed_flush_lsn: LSN,
        safe_wal_size: null,
        xmin_age: null,
        catalog_xmin_age: expect.any(Number),
        wal_status: cluster.major >= 13 ? 'reserved' : null,
        two_phase: cluster.major >= 14 ? false : null,
        two_phase_at: null,
        conflicting: cluster.major >= 16 ? false : null,
        invalidation_reason: null,
        inactive_since: cluster.major >= 17 ? SOME_TIME : null,
        failover: cluster.major >= 17 ? false : null,
        synced: false,
      });
      expect(row?.['retained_size']).toBeGreaterThan(1_000_000);
      expect(row?.['unconfirmed_size']).toBeGreaterThan(1_000_000);
      expect(Number(row?.['retained_size'])).toBeGreaterThanOrEqual(Number(row?.['unconfirmed_size']));
    } finally {
      await drop(superuserUrl, slot);
    }
  });

  it('says the same of a slot as replication_status and server_overview', async () => {
    const slot = unique('planted');
    const { superuserUrl } = clone();
    await runAs(superuserUrl, `select pg_create_physical_replication_slot('${slot}', true)`);
    try {
      await runAs(superuserUrl, 'create table wal as select generate_series(1, 20000) as n', 'drop table wal');
      const limits = { limit: 500, max_slot_size: 1_000_000 };
      const found = findingOn(await howdah('monitor').call('replication_slots', limits), slot);
      expect(found).toMatchObject({ severity: 'warning' });
      for (const tool of ['replication_status', 'server_overview']) {
        const same = findingOn(await howdah('monitor').call(tool, limits), slot);
        expect(same).toMatchObject({ claim: found?.claim, object: found?.object, next_step: found?.next_step });
      }
      await follow(superuserUrl, found ?? { severity: 'ok', claim: '', evidence: {} });
      expect(slotOf(await howdah('monitor').call('replication_slots', all), slot)).toBeDefined(); // to drop it is left to people
    } finally {
      await drop(superuserUrl, slot);
    }
  });

  it('names who uses a slot, and shows it to those only who may see its database', async () => {
    const [slot, application] = [unique('used'), unique('payroll_sub')];
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      const url = `${other.superuserUrl}?replication=database&application_name=${application}`;
      await withSession(url, async (receiver) => {
        await receiver.query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput`);
        const row = slotOf(await howdah('monitor').call('replication_slots', all), slot);
        expect(row).toMatchObject({
          application,
          temporary: true,
          active: true,
          active_pid: expect.any(Number),
          client_address: '127.0.0.1',
          database: other.name,
        });
        const hidden = slotOf(await howdah('plain').call('replication_slots', all), slot);
        expect(hidden).toMatchObject({ application, client_address: null });
        const half = await narrow.call('replication_slots', all);
        expect(JSON.stringify(half)).not.toContain(slot);
        expect(half.not_examined?.[0]?.what).toMatch(/of other databases/);
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('is cut at its limit, and counts the rest', async () => {
    const names = [unique('many'), unique('many'), unique('many')];
    const { superuserUrl } = clone();
    try {
      for (const name of names) await runAs(superuserUrl, `select pg_create_physical_replication_slot('${name}')`);
      const answer = await howdah('monitor').call('replication_slots', { limit: 2 });
      expect(answer.rows).toHaveLength(2);
      expect(answer).toMatchObject({ truncated: true });
      expect(answer.total).toBeGreaterThanOrEqual(names.length);
    } finally {
      for (const name of names) await drop(superuserUrl, name);
    }
  });
});

describeEachStandby('replication_slots of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('measures a slot of its own from what it has received, for %s', async (login) => {
    const slot = unique('cascade');
    const { superuserUrl } = cluster.standby;
    await runAs(superuserUrl, `select pg_create_physical_replication_slot('${slot}', true)`);
    try {
      await runAs(clone().superuserUrl, 'create table wal as select generate_series(1, 20000) as n', 'drop table wal');
      await expect
        .poll(async () => Number(slotOf(await standby(login).call('replication_slots', all), slot)?.['retained_size']))
        .toBeGreaterThan(1_000_000);
    } finally {
      await drop(superuserUrl, slot);
    }
  });

  it('knows which standbys stream by a slot, where the login may', async () => {
    expect(await primary('monitor').call('replication_slots', all)).toMatchObject({ about: { standbys: 1 } });
    expect(await primary('plain').call('replication_slots', all)).toMatchObject({ about: { standbys: null } });
  });
});

it.runIf(newestCluster().major >= 13)('follows a slot to the loss of its WAL', async () => {
  await withSeparateServer({ max_slot_wal_keep_size: '100MB', max_wal_size: '8MB' }, async (_, url) => {
    const superuserUrl = url.replace('postgres:///', 'postgres://localhost/');
    await runAs(superuserUrl, `select pg_create_physical_replication_slot('late', true)`);
    const howdah = await openHowdah(url);
    const write = (mb: number) =>
      runAs(
        superuserUrl,
        `do $$ begin for i in 1..${mb} loop perform pg_logical_emit_message(false, 'fill', repeat('x', 1048576)); perform pg_switch_wal(); end loop; end $$`,
      );
    try {
      const slots = () => howdah.call('replication_slots');
      await write(20);
      expect(await slots()).toMatchObject({ about: { max_slot_wal_keep_size: 100 * 2 ** 20 } });
      expect((await slots()).findings.map(({ severity }) => severity)).not.toContain('warning');
      await write(24);
      const near = await slots();
      expect(near.findings.filter(({ severity }) => severity === 'warning')).toMatchObject([
        { object: 'late', claim: expect.stringMatching(/has 1?\d % of max_slot_wal_keep_size left/) },
      ]);
      for (const finding of near.findings) await follow(superuserUrl, finding);
      await write(20);
      await runAs(superuserUrl, 'checkpoint');
      expect(await slots()).toMatchObject({
        rows: [{ wal_status: 'lost', retained_size: null, safe_wal_size: null }],
        findings: [{ severity: 'critical', claim: 'The replication slot late has lost WAL that it needs.' }],
      });
    } finally {
      await howdah.close();
    }
  });
});
