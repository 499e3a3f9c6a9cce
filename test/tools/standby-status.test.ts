import { expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { useClusterAlone, withSessions } from '../postgres/sessions.ts';
import { follow } from './advice.ts';

const LSN: unknown = expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/);
const SOME_TIME: unknown = expect.stringMatching(/Z$/);
const partOf = (answer: Answer, part: string) => answer[part] as Row;
const claims = ({ findings }: Answer) => findings.map(({ claim }) => claim);

describeEachMajor('a primary', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('is told from a standby, and where to look instead, for %s', async (login) => {
    const answer = await howdah(login).call('standby_status');
    expect(answer).toMatchObject({
      note: expect.stringMatching(/This server is a primary.*replication_status/),
      recovery: null,
      receiver: null,
      settings: null,
      prefetch: null,
      findings: [],
    });
  });

  it.each(loginsOf(cluster))('is not called a standby for having counters of conflicts, for %s', async (login) => {
    const answer = await howdah(login).call('recovery_conflicts', { limit: 500 });
    expect(answer).toMatchObject({
      note: expect.stringContaining('This server is a primary'),
      settings: { standby: false, max_standby_streaming_delay: '30s' },
      findings: [],
    });
    expect(answer.rows).toContainEqual({
      database: clone().name,
      tablespace: 0,
      lock: 0,
      snapshot: 0,
      buffer_pin: 0,
      deadlock: 0,
      logical_slot: cluster.major >= 16 ? 0 : null,
      total: 0,
      counted_since: cluster.major >= 15 ? null : SOME_TIME, // of a reset, from 15 on
    });
  });

  it('answers to get_database_conflicts_stats and its database_name', async () => {
    const answer = await howdah('monitor').call('get_database_conflicts_stats', { database_name: 'postgres' });
    expect(answer).toMatchObject({ database: 'postgres', settings: { standby: false } });
    expect(Object.keys(answer.rows[0] ?? {})).toEqual(
      expect.arrayContaining(['database', 'tablespace', 'lock', 'snapshot', 'buffer_pin', 'deadlock', 'total']),
    );
  });
});

describeEachStandby('a standby', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(() => clone().standby ?? clone());
  const status = (login: (typeof LOGINS)[number] = 'monitor', input = {}) =>
    howdah(login).call('standby_status', input);

  it.each(LOGINS)('says where it receives from and how far it is, as %s', async (login) => {
    await caughtUp(cluster);
    const answer = await status(login);
    expect(answer).toMatchObject({ note: null, findings: [] });
    expect(partOf(answer, 'recovery')).toMatchObject({
      standby: true,
      receiving: true,
      replay_lsn: LSN,
      last_commit_replayed_at: SOME_TIME,
      replay_paused: false,
      pause_state: cluster.major >= 14 ? 'not paused' : null,
      apply_delay_s: 0,
    });
    // the columns of 13 were there before 16, too, and 12 has one of its own
    const written = cluster.major >= 13 ? LSN : null;
    const conninfo: unknown = expect.stringContaining('application_name=standby');
    const lsns = { written_lsn: written, flushed_lsn: LSN, latest_end_lsn: LSN };
    const all = {
      status: 'streaming',
      upstream_port: cluster.port,
      slot_name: 'standby',
      timeline: 1,
      ...lsns,
      conninfo,
    };
    const none = Object.fromEntries(Object.keys(all).map((name) => [name, null]));
    const hidden = login === 'plain';
    expect(partOf(answer, 'receiver')).toMatchObject(hidden ? none : all);
    expect(partOf(answer, 'settings')).toMatchObject({
      primary_slot_name: 'standby',
      primary_conninfo_set: hidden ? null : true,
      restore_command_set: false,
      hot_standby_feedback: false,
      max_standby_streaming_delay: '30s',
      recovery_target: null,
    });
    expect(answer.not_examined?.map(({ what }) => what)).toEqual(hidden ? ['what the WAL receiver says'] : undefined);
  });

  it('shows what later versions have', async () => {
    const answer = await status();
    expect(partOf(answer, 'settings')).toMatchObject({
      recovery_prefetch: cluster.major >= 15 ? 'try' : null,
      sync_replication_slots: cluster.major >= 17 ? false : null,
    });
    expect(answer['prefetch'] === null).toBe(cluster.major < 15);
  });

  it('does not call an idle primary lag', async () => {
    await caughtUp(cluster);
    await expect
      .poll(async () => partOf(await status(), 'recovery'))
      .toMatchObject({ replay_lag_s: 0, replay_lag_size: 0, upstream_lag_size: expect.any(Number) });
    expect((await status('monitor', { max_lag_s: 0 })).findings).toEqual([]);
  });

  it('measures how far paused replay is behind, as replication_status does', async () => {
    await runAs(cluster.standby.superuserUrl, 'select pg_wal_replay_pause()');
    try {
      await runAs(clone().superuserUrl, 'create table behind as select generate_series(1, 20000) as n');
      await expect
        .poll(async () => Number(partOf(await status(), 'recovery')['replay_lag_size']))
        .toBeGreaterThan(500_000);
      const answer = await status();
      expect(partOf(answer, 'recovery')).toMatchObject({ replay_paused: true });
      expect(Number(partOf(answer, 'recovery')['upstream_lag_size'])).toBeGreaterThan(500_000);
      const [paused] = answer.findings;
      expect(paused).toMatchObject({ severity: 'warning', claim: 'Replay is paused on this standby.' });
      const there = await howdah('monitor').call('replication_status');
      const same = there.findings.find(({ claim }) => claim === paused?.claim);
      expect(same?.next_step).toBe(paused?.next_step);
      if (paused) await follow(cluster.standby.superuserUrl, paused);
      expect(partOf(await status(), 'recovery')).toMatchObject({ replay_paused: true }); // to resume is left to people
    } finally {
      await runAs(cluster.standby.superuserUrl, 'select pg_wal_replay_resume()');
    }
  });

  it('counts the queries that replay cancels, by database and kind', async () => {
    const { superuserUrl } = cluster.standby;
    const here = clone().standby?.superuserUrl ?? '';
    await runAs(clone().superuserUrl, 'create table fought_over (n integer)');
    await caughtUp(cluster);
    await runAs(superuserUrl, 'alter system set max_standby_streaming_delay = 0', 'select pg_reload_conf()');
    try {
      await expect
        .poll(async () => partOf(await howdah('monitor').call('recovery_conflicts'), 'settings'))
        .toMatchObject({ standby: true, max_standby_streaming_delay: '0' });
      await withSessions(
        Array.from({ length: 10 }, () => here),
        async (sessions) => {
          for (const session of sessions) await session.query('begin; select from fought_over');
          await runAs(clone().superuserUrl, 'alter table fought_over add column m integer');
          await caughtUp(cluster);
          for (const session of sessions) session.on('error', () => {});
        },
      );
      const conflicts = () => howdah('plain').call('recovery_conflicts', { limit: 500 });
      await expect
        .poll(async () => (await conflicts()).rows.find(({ database }) => database === clone().name), {
          timeout: 10_000,
        })
        .toMatchObject({ lock: 10, snapshot: 0, total: 10 });
      const [found] = (await conflicts()).findings;
      expect(found).toMatchObject({ severity: 'notice', evidence: { lock: expect.any(Number) } });
      const there = await howdah('plain').call('replication_status');
      const same = there.findings.find(({ claim }) => claim === found?.claim);
      expect(same).toMatchObject({ next_step: found?.next_step });
      await follow(superuserUrl, found ?? { severity: 'ok', claim: '', evidence: {} });
      expect(claims(await conflicts())).toEqual([found?.claim]);
    } finally {
      await runAs(superuserUrl, 'alter system reset max_standby_streaming_delay', 'select pg_reload_conf()');
    }
    await withSession(superuserUrl, async (session) => {
      await expect
        .poll(async () => (await session.query('show max_standby_streaming_delay')).rows)
        .toEqual([{ max_standby_streaming_delay: '30s' }]);
    });
  });
});
