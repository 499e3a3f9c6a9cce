import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  secondsSince,
  sql,
  type ConnectionFacts,
  type Finding,
  type RowOf,
} from '../kit/index.ts';
import { supportedUntil } from './releases.ts';
import { APPLY_DELAY, RECEIVED_OR_WRITTEN, REPLAY_LAG, walPositions } from './wal-position.ts';

const seconds = z.number().nullable().meta({ unit: 's' });

/** From here on a next major should be planned. */
const ENDS_SOON_DAYS = 180;
const DAY_MS = 24 * 3600 * 1000;

const row = {
  version: z.string(),
  standby: z.boolean(),
  at: z.iso.datetime().describe('By the clock of the server.'),
  started_at: z.iso.datetime(),
  uptime_s: seconds,
  config_loaded_at: z.iso.datetime(),
  data_checksums: z.boolean(),
  wal_lsn: z.string().nullable().describe('Where WAL was written or, on a standby, received up to.'),
  replay_lsn: z.string().nullable(),
  replay_lag_size: z.int().nullable().meta({ unit: 'bytes' }).describe('On a standby: received and not yet replayed.'),
  replay_lag_s: seconds.describe(
    'On a standby: 0 when all that streams in is replayed, else the age of the last commit replayed, which a long transaction makes old too.',
  ),
  receiving: z.boolean().nullable().describe('On a standby: whether WAL streams in.'),
  replay_paused: z.boolean().nullable(),
  apply_delay_s: seconds.describe('On a standby: recovery_min_apply_delay, by which replay waits on purpose.'),
};

export const instance = definePart({
  what: 'the server itself',
  row,
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('server_version') as version, i.standby,
             pg_catalog.clock_timestamp() as at, pg_catalog.pg_postmaster_start_time() as started_at,
             ${secondsSince(sql`pg_catalog.pg_postmaster_start_time()`)} as uptime_s,
             pg_catalog.pg_conf_load_time() as config_loaded_at,
             pg_catalog.current_setting('data_checksums')::boolean as data_checksums,
             (${RECEIVED_OR_WRITTEN})::text as wal_lsn, i.replayed::text as replay_lsn,
             pg_catalog.pg_wal_lsn_diff(i.received, i.replayed)::bigint as replay_lag_size,
             ${REPLAY_LAG} as replay_lag_s,
             i.receiving,
             case when i.standby then pg_catalog.pg_is_wal_replay_paused() end as replay_paused,
             ${APPLY_DELAY} as apply_delay_s
        from (${walPositions}) i`,
  }),
});
export type Instance = RowOf<typeof instance>;

export const instanceShape = z.object({
  ...row,
  major: z.int(),
  supported_until: z.iso.date().nullable().describe('The day of the last release of this major.'),
});

export function describeInstance(row: Instance, major: number): z.output<typeof instanceShape> {
  return { ...row, major, supported_until: supportedUntil(major) };
}

export function judgeInstance(
  row: Instance,
  { major, service }: Pick<ConnectionFacts, 'major' | 'service'>,
  maxLagS: number,
): Finding[] {
  return [...judgeSupport(row, major), ...judgeReplay(row, maxLagS), ...judgeChecksums(row, service)];
}

function judgeSupport({ version, at }: Instance, major: number): Finding[] {
  const until = supportedUntil(major);
  if (until === null) return [];
  const days = Math.floor((Date.parse(until) - Date.parse(at)) / DAY_MS);
  if (days > ENDS_SOON_DAYS) return [];
  const ended = at.slice(0, until.length) > until;
  return [
    {
      severity: ended ? 'warning' : 'notice',
      claim: `PostgreSQL ${major} ${ended ? 'has had no fixes since' : 'gets its last fixes on'} ${until}.`,
      evidence: { version, supported_until: until },
      why: 'https://www.postgresql.org/support/versioning/',
    },
  ];
}

/** While the primary is in one long transaction there is no commit to replay, and always a little WAL under way. */
const MUCH_WAL = 64 * 2 ** 20;

/** Resuming promotes a server that reached its recovery target, and stops one whose settings are below its primary's. */
const WHY_PAUSED = [
  "SELECT name, setting FROM pg_settings WHERE name LIKE 'recovery_target%' OR name IN ('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction');",
  '-- SQL does not say who paused it: somebody on purpose, a recovery target, or one of these being lower than on the primary (the log says so).',
  '-- Resuming ends a recovery at its target, for good, and shuts the standby down while a setting is too low:',
  '-- pg_wal_replay_resume() is right only where somebody paused it and is done.',
].join('\n');
const WHY_CUT_OFF =
  'SELECT * FROM pg_stat_wal_receiver;\n-- no row: no receiver runs, and the log of this standby says why';
const WHY_NOTHING_STREAMED =
  '-- how far behind it is only its primary knows; there, beside the WAL that is replayed here:\nSELECT pg_current_wal_lsn();';
const WHY_BEHIND =
  "SELECT pid, backend_type, wait_event_type, wait_event, state, xact_start FROM pg_stat_activity WHERE backend_type IN ('startup', 'client backend') ORDER BY xact_start;";

type Replay = Pick<
  Instance,
  'standby' | 'receiving' | 'replay_paused' | 'replay_lag_s' | 'replay_lag_size' | 'apply_delay_s'
>;

/** What is late beyond the delay that was asked for. */
export function judgeReplay(row: Replay, maxLagS: number): Finding[] {
  const { standby, receiving, replay_paused, replay_lag_s, replay_lag_size } = row;
  if (!standby) return [];
  const why = 'https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN';
  const evidence = { receiving, replay_paused, replay_lag_s, replay_lag_size };
  if (replay_paused === true) {
    const claim = 'Replay is paused on this standby.';
    return [{ severity: 'warning', claim, evidence, why, next_step: WHY_PAUSED }];
  }
  if (replay_lag_s === null || replay_lag_s <= maxLagS + (row.apply_delay_s ?? 0)) return [];
  // nothing has streamed since the start: it may restore from an archive, of a primary that has nothing to archive
  if (receiving !== true && replay_lag_size === null) {
    const claim = `The last commit replayed on this standby is ${Math.round(replay_lag_s)} s old; it restores from an archive or is cut off, and whether its primary has committed since is not known here.`;
    return [{ severity: 'warning', claim, evidence, why, next_step: WHY_NOTHING_STREAMED }];
  }
  if (receiving !== true) {
    const claim = 'No WAL streams to this standby, and what it has is old.';
    return [{ severity: 'warning', claim, evidence, why, next_step: WHY_CUT_OFF }];
  }
  if ((replay_lag_size ?? 0) < MUCH_WAL) return [];
  const claim = 'This standby replays behind the primary.';
  return [{ severity: 'warning', claim, evidence, why, next_step: WHY_BEHIND }];
}

function judgeChecksums({ data_checksums }: Instance, service: ConnectionFacts['service']): Finding[] {
  if (data_checksums) return [];
  return [
    {
      severity: 'notice',
      claim: 'Data checksums are off, so damage on disk goes unnoticed.',
      object: '"data_checksums"',
      evidence: { data_checksums },
      why: 'https://www.postgresql.org/docs/current/checksums.html',
      // nobody but its operator stops the server of a managed service and comes to its files
      ...(service === null && { next_step: 'pg_checksums --enable, while the server is stopped' }),
    },
  ];
}
