import { expect, it } from 'vitest';
import { describeInstance, judgeInstance, type Instance } from './instance.ts';

const primary: Instance = {
  version: '18.4',
  standby: false,
  at: '2026-11-20T12:00:00Z',
  started_at: '2026-11-01T12:00:00Z',
  uptime_s: 1_641_600,
  config_loaded_at: '2026-11-01T12:00:00Z',
  data_checksums: true,
  wal_lsn: '0/1',
  replay_lsn: null,
  replay_lag_size: null,
  replay_lag_s: null,
  receiving: null,
  replay_paused: null,
  apply_delay_s: null,
};
const standby: Instance = {
  ...primary,
  standby: true,
  replay_lsn: '0/1',
  replay_lag_size: 0,
  replay_lag_s: 0,
  receiving: true,
  replay_paused: false,
};
const judge = (row: Instance, major = 18) =>
  judgeInstance(row, { major, service: null }, 60).map(({ severity, claim }) => `${severity}: ${claim}`);

it.each([
  [14, '2026-11-12T23:00:00Z', ['notice: PostgreSQL 14 gets its last fixes on 2026-11-12.']],
  [14, '2026-05-01T00:00:00Z', []],
  [14, '2026-11-13T00:00:00Z', ['warning: PostgreSQL 14 has had no fixes since 2026-11-12.']],
  [15, '2026-11-20T00:00:00Z', []],
  [15, '2027-06-01T00:00:00Z', ['notice: PostgreSQL 15 gets its last fixes on 2027-11-11.']],
  [19, '2040-01-01T00:00:00Z', []],
])('knows how long PostgreSQL %i has fixes, on %s', (major, at, claims) => {
  expect(judge({ ...primary, at }, major)).toEqual(claims);
});

it.each<[string, Partial<Instance>, string[]]>([
  ['is up to date', {}, []],
  ['lags', { replay_lag_s: 61, replay_lag_size: 2 ** 26 }, ['warning: This standby replays behind the primary.']],
  ['waits as it was told to', { replay_lag_s: 3600, replay_lag_size: 2 ** 30, apply_delay_s: 3600 }, []],
  [
    'is late beyond the delay that was asked for',
    { replay_lag_s: 3661, replay_lag_size: 2 ** 30, apply_delay_s: 3600 },
    ['warning: This standby replays behind the primary.'],
  ],
  ['replays a long transaction', { replay_lag_s: 3600, replay_lag_size: 256 }, []],
  [
    'lost its primary',
    { replay_lag_s: 3600, receiving: false },
    ['warning: No WAL streams to this standby, and what it has is old.'],
  ],
  [
    'restores from an archive, of a primary that may be idle',
    { replay_lag_s: 3600, replay_lag_size: null, receiving: false },
    [expect.stringMatching(/^warning: The last commit replayed .* 3600 s old; .* not known here\.$/)],
  ],
  ['was promoted from an archive a moment ago', { replay_lag_s: 5, receiving: false }, []],
  ['is paused', { replay_paused: true, replay_lag_s: 3600 }, ['warning: Replay is paused on this standby.']],
  ['has replayed nothing yet', { replay_lag_s: null }, []],
])('judges a standby that %s', (_, more, claims) => {
  expect(judge({ ...standby, ...more })).toEqual(claims);
});

it('notices that checksums are off', () => {
  expect(judge({ ...primary, data_checksums: false })).toEqual([
    expect.stringMatching(/^notice: Data checksums are off/),
  ]);
});

it('stops no server whose operator alone can', () => {
  const steps = ([null, 'rds'] as const).map(
    (service) => judgeInstance({ ...primary, data_checksums: false }, { major: 18, service }, 60)[0]?.next_step,
  );
  expect(steps).toEqual(['pg_checksums --enable, while the server is stopped', undefined]);
});

it('adds what is known of the major', () => {
  expect(describeInstance(primary, 18)).toMatchObject({ major: 18, supported_until: '2030-11-14' });
  expect(describeInstance(primary, 19)).toMatchObject({ major: 19, supported_until: null });
});

it('resumes no replay: it may have stopped for a reason', () => {
  const [finding] = judgeInstance({ ...standby, replay_paused: true }, { major: 18, service: null }, 60);
  const statements = finding?.next_step?.split('\n').filter((line) => !line.startsWith('--')) ?? [];
  expect(statements[0]).toMatch(/^SELECT name, setting FROM pg_settings/);
  expect(statements.join('\n')).not.toContain('resume');
});
