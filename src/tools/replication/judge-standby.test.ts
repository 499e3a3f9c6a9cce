import { expect, it } from 'vitest';
import { judgeKeptWal } from './judge-standby.ts';
import type { Recovery, RecoverySettings } from './recovery.ts';

const recovery: Recovery = {
  standby: true,
  receiving: true,
  replay_lsn: '0/1',
  last_commit_replayed_at: null,
  replay_lag_size: 0,
  replay_lag_s: 0,
  upstream_lag_size: 0,
  replay_paused: false,
  pause_state: null,
  apply_delay_s: 0,
};
const settings: RecoverySettings = {
  primary_slot_name: null,
  primary_conninfo_set: true,
  restore_command_set: false,
  hot_standby_feedback: false,
  max_standby_streaming_delay: '30s',
  max_standby_archive_delay: '30s',
  wal_receiver_status_interval: '10s',
  wal_receiver_timeout: '1min',
  recovery_target: null,
  recovery_target_value: null,
  recovery_target_action: 'pause',
  recovery_target_timeline: 'latest',
  recovery_prefetch: null,
  sync_replication_slots: null,
};

it('tells a standby for which nobody keeps WAL', () => {
  expect(judgeKeptWal(recovery, settings, null)).toMatchObject([
    { severity: 'notice', object: '"primary_slot_name"', next_step: expect.stringContaining('wal_keep_size') },
  ]);
});

it.each<[string, Partial<Recovery>, Partial<RecoverySettings>]>([
  ['has a slot', {}, { primary_slot_name: 'standby' }],
  ['has an archive', {}, { restore_command_set: true }],
  ['may have one that is hidden', {}, { restore_command_set: null }],
  ['receives nothing', { receiving: false }, {}],
  ['is a primary', { standby: false, receiving: null }, {}],
])('says nothing where a server %s', (_, here, there) => {
  expect(judgeKeptWal({ ...recovery, ...here }, { ...settings, ...there }, null)).toEqual([]);
});

it('leaves it to a managed service, and to what could be read', () => {
  expect(judgeKeptWal(recovery, settings, 'rds')).toEqual([]);
  expect(judgeKeptWal(undefined, settings, null)).toEqual([]);
  expect(judgeKeptWal(recovery, undefined, null)).toEqual([]);
});
