import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newestCluster } from '../postgres/each-major.ts';
import { openHowdah, runAs, type Answer } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { follow } from './advice.ts';

function findingOn({ findings }: Answer, object: string) {
  return findings.find((finding) => finding.object === object);
}

/** The client of the tests wants a host, also where the socket is named beside it. */
function byPg(url: string): string {
  return url.replace('postgres:///', 'postgres://localhost/');
}

describe('replication_status of a server in trouble', () => {
  it.runIf(newestCluster().major >= 18)('tells a slot that expired from one that lost WAL', async () => {
    await withSeparateServer({ idle_replication_slot_timeout: '1s' }, async (_, url) => {
      const superuserUrl = byPg(url);
      await runAs(superuserUrl, `select pg_create_physical_replication_slot('expired', true)`);
      const howdah = await openHowdah(url);
      const status = async () => {
        await runAs(superuserUrl, 'select pg_switch_wal()', 'checkpoint');
        return howdah.call('replication_status');
      };
      await expect
        .poll(async () => (await status())['slots'], { timeout: 20_000, interval: 500 })
        .toMatchObject([
          { slot: 'expired', wal_status: 'lost', invalidation_reason: 'idle_timeout', retained_size: null },
        ]);
      expect(findingOn(await status(), 'expired')).toMatchObject({
        severity: 'notice',
        claim: expect.stringContaining('nobody used it for idle_replication_slot_timeout'),
      });
      await howdah.close();
    });
  });

  it('judges what commits wait for by the server, not by the database that is asked', async () => {
    await withSeparateServer({ synchronous_standby_names: 'one' }, async (_, url) => {
      await runAs(
        byPg(url),
        'set synchronous_commit = local', // or this would wait, too
        'alter database postgres set synchronous_commit = local',
      );
      const howdah = await openHowdah(url);
      const answer = await howdah.call('replication_status');
      expect(answer['position']).toMatchObject({ synchronous_commit: null });
      expect(findingOn(answer, '"synchronous_standby_names"')).toMatchObject({ severity: 'critical' });
      await howdah.close();
    });
  });

  it('says that commits wait for standbys, and that archiving fails', async () => {
    const settings = { synchronous_standby_names: 'FIRST 2 (one, two)', archive_mode: 'on', archive_command: 'false' };
    await withSeparateServer(settings, async (_, url) => {
      const howdah = await openHowdah(url);
      await runAs(byPg(url), 'select pg_switch_wal()');
      const status = () => howdah.call('replication_status');
      await expect
        .poll(async () => findingOn(await status(), '"archive_command"'), { timeout: 20_000 })
        .toMatchObject({
          severity: 'critical',
          claim: expect.stringContaining('WAL is not being archived'),
        });
      expect(findingOn(await status(), '"synchronous_standby_names"')).toMatchObject({
        severity: 'critical',
        claim: 'Commits wait for 2 synchronous standbys, and none is connected.',
        evidence: { connected: 0, needed: 2 },
      });
      await howdah.close();
    });
  });

  it.runIf(newestCluster().major >= 14)('advises nothing that stops a standby which paused for a setting', async () => {
    await withSeparateServer({}, async (_, url, addStandby, restart) => {
      const standbyUrl = await addStandby({});
      await restart({ max_prepared_transactions: '40' }); // more than the standby has
      await runAs(byPg(url), 'select pg_switch_wal()');
      const howdah = await openHowdah(standbyUrl);
      const status = () => howdah.call('replication_status');
      await expect
        .poll(async () => (await status()).findings.map(({ claim }) => claim), { timeout: 15_000 })
        .toContain('Replay is paused on this standby.');
      const [paused] = (await status()).findings.filter(({ claim }) => claim.startsWith('Replay is paused'));
      expect(paused?.next_step).toContain('max_prepared_transactions');
      if (paused) await follow(byPg(standbyUrl), paused);
      expect(await status()).toMatchObject({ position: { standby: true, replay_paused: true } });
      await howdah.close();
    });
  });

  it('takes what a standby restores from an archive for received, once nothing streams any more', async () => {
    const archive = mkdtempSync(join(tmpdir(), 'howdah-archive-'));
    chmodSync(archive, 0o777);
    const archiving = { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` };
    await withSeparateServer(archiving, async (_, url, addStandby) => {
      const standbyUrl = await addStandby({
        restore_command: `cp ${archive}/%f %p`,
        wal_retrieve_retry_interval: '100ms',
      });
      const howdah = await openHowdah(standbyUrl);
      const status = () => howdah.call('replication_status');
      await expect.poll(status, { timeout: 20_000 }).toMatchObject({ position: { receiving: true } });
      await expect
        .poll(
          () =>
            runAs(
              byPg(url),
              'select pg_terminate_backend(active_pid) from pg_replication_slots where active',
              `select pg_drop_replication_slot('standby')`,
            ).then(() => 'cut off', String),
          { timeout: 20_000 },
        )
        .toBe('cut off');
      const [at] = await runAs(
        byPg(url),
        'create table public.restored (id integer)',
        `select pg_walfile_name(pg_switch_wal()) is not null as switched, pg_current_wal_lsn()::text as lsn`,
      );
      await expect
        .poll(() => runAs(byPg(standbyUrl), `select pg_last_wal_replay_lsn() >= '${String(at?.['lsn'])}' as is`), {
          timeout: 30_000,
        })
        .toEqual([{ is: true }]);
      const [{ stale } = {}] = await runAs(
        byPg(standbyUrl),
        'select pg_last_wal_receive_lsn() < pg_last_wal_replay_lsn() as stale',
      );
      expect(stale).toBe(true);
      const { position } = (await status()) as unknown as { position: Record<string, unknown> };
      expect(position).toMatchObject({ receiving: false, replay_lag_size: 0 });
      expect(position['wal_lsn']).toBe(position['replay_lsn']);
      const overview = await howdah.call('server_overview');
      expect(overview['instance']).toMatchObject({ replay_lag_size: 0 });
      await howdah.close();
    }).finally(() => rmSync(archive, { recursive: true, force: true }));
  });

  it('does not hold against a standby that archiving failed while it was a primary', async () => {
    await withSeparateServer({ archive_mode: 'on', archive_command: 'false' }, async (server, url, _, restart) => {
      await runAs(byPg(url), 'select pg_switch_wal()');
      const before = await openHowdah(url);
      await expect
        .poll(async () => findingOn(await before.call('replication_status'), '"archive_command"'), { timeout: 15_000 })
        .toMatchObject({ severity: 'critical' });
      await before.close();
      writeFileSync(join(server.dataDir, 'standby.signal'), '');
      await restart();
      const after = await openHowdah(url);
      const answer = await after.call('replication_status');
      expect(answer['archiver']).toMatchObject({ expected: false, failing: true });
      expect(answer).toMatchObject({ position: { standby: true } });
      expect(findingOn(answer, '"archive_command"')).toBeUndefined();
      await after.close();
    });
  });
});
