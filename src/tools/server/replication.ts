import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  endPrepared,
  gather,
  param,
  quoteIdentifier,
  secondsSince,
  sql,
  type Finding,
  type RowOf,
} from '../kit/index.ts';
import { RECEIVED_OR_WRITTEN, walPositions } from './wal-position.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const seconds = z.number().nullable().meta({ unit: 's' });
const time = z.iso.datetime().nullable();
const limit = param('limit');

export const archiver = definePart({
  what: 'WAL archiving',
  row: {
    mode: z.string(),
    archived: z.int().min(0),
    failed: z.int().min(0),
    last_archived_at: time,
    last_failed_at: time,
    last_failed_wal: z.string().nullable(),
    failing: z.boolean().describe('Whether the last attempt failed.'),
    by: z.enum(['archive_command', 'archive_library']).nullable().describe('The setting that does it.'),
    expected: z.boolean().describe('Whether this server archives in its mode; a standby does when it is always.'),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.current_setting('archive_mode') as mode, a.archived_count as archived, a.failed_count as failed,
             a.last_archived_time as last_archived_at, a.last_failed_time as last_failed_at, a.last_failed_wal,
             coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) as failing,
             case when nullif(pg_catalog.current_setting('archive_library', true), '') is not null then 'archive_library'
                  when pg_catalog.current_setting('archive_command') not in ('', '(disabled)') then 'archive_command' end as by,
             pg_catalog.current_setting('archive_mode') = 'always'
             or pg_catalog.current_setting('archive_mode') = 'on' and not pg_catalog.pg_is_in_recovery() as expected
        from pg_catalog.pg_stat_archiver a`,
  }),
});

export const wal = definePart({
  what: 'the size of pg_wal and what waits to be archived',
  needs: 'pg_monitor',
  row: { size: bytes, waiting_for_archive: z.int().min(0) },
  sql: byServerVersion({
    12: sql`
      select (select pg_catalog.sum(w.size) from pg_catalog.pg_ls_waldir() w)::bigint as size,
             (select pg_catalog.count(*) from pg_catalog.pg_ls_archive_statusdir() r where r.name like '%.ready') as waiting_for_archive`,
  }),
});

/** Of `r`, a row of pg_stat_replication: a connection for logical changes is to one database, a standby's to none. */
export const DATABASE_SERVED = sql`(select a.datname from pg_catalog.pg_stat_activity a where a.pid = r.pid)`;

export const receivers = definePart({
  what: 'standbys and other receivers of WAL',
  row: {
    application: z.string().nullable().meta({ names: 'text' }),
    client_address: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }).describe('Of a receiver of logical changes.'),
    state: z.string().nullable(),
    sync_state: z.string().nullable(),
    lag_size: bytes.describe('Written here and not yet replayed there.'),
    replay_lag_s: seconds.describe('Null when nothing was written for a while.'),
    xmin_age: z.int().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select r.application_name as application, pg_catalog.host(r.client_addr) as client_address,
             ${DATABASE_SERVED} as database, r.state, r.sync_state,
             pg_catalog.pg_wal_lsn_diff(${RECEIVED_OR_WRITTEN}, r.replay_lsn)::bigint as lag_size,
             pg_catalog.round(extract(epoch from r.replay_lag)::numeric, 3) as replay_lag_s,
             pg_catalog.age(r.backend_xmin) as xmin_age
        from pg_catalog.pg_stat_replication r
       cross join (${walPositions}) i
       order by ${closedLast(DATABASE_SERVED)}, lag_size desc nulls last, r.application_name
       limit ${limit}`,
  }),
});
type Receiver = Omit<RowOf<typeof receivers>, 'xmin_age'>;

export const preparedTransactions = definePart({
  what: 'prepared transactions',
  row: {
    gid: z.string().meta({ names: 'text' }),
    owner: z.string(),
    database: z.string().meta({ names: 'database' }),
    prepared_at: z.iso.datetime(),
    age_s: seconds,
    xmin_age: z.int(),
  },
  sql: byServerVersion({
    12: sql`
      select p.gid, p.owner, p.database, p.prepared as prepared_at, ${secondsSince(sql`p.prepared`)} as age_s,
             pg_catalog.age(p.transaction) as xmin_age
        from pg_catalog.pg_prepared_xacts p
       order by ${closedLast(sql`p.database`)}, p.prepared
       limit ${limit}`,
  }),
});
type Prepared = RowOf<typeof preparedTransactions>;

export function judgeArchiver(row: RowOf<typeof archiver> | undefined): Finding[] {
  // statistics outlive a switchover: a standby that does not archive keeps the last failure of its days as a primary
  if (!row?.expected) return [];
  if (row.by === null) return [archivesNowhere(row)];
  if (!row.failing) return [];
  const { failed, last_failed_wal, last_failed_at, last_archived_at } = row;
  return [
    {
      severity: 'critical',
      claim: 'WAL is not being archived: the last attempt failed, and pg_wal grows until one succeeds.',
      object: quoteIdentifier(row.by),
      evidence: { failed, last_failed_wal, last_failed_at, last_archived_at },
      why: 'https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL',
      next_step: '-- the log of the server says why; afterwards\nSELECT * FROM pg_stat_archiver;',
    },
  ];
}

/** https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-ARCHIVE-COMMAND: no attempt is made, so none fails. */
function archivesNowhere({ mode, archived, last_archived_at }: RowOf<typeof archiver>): Finding {
  return {
    severity: 'warning',
    claim: 'Archiving is on and no setting says how, so pg_wal grows until one does.',
    object: '"archive_command"',
    evidence: { mode, archived, last_archived_at },
    why: 'https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-ARCHIVING-WAL',
    next_step: `SELECT name, setting, sourcefile FROM pg_settings WHERE name IN ('archive_mode', 'archive_command', 'archive_library');`,
  };
}

export function nameReceiver({
  application,
  client_address,
}: Pick<Receiver, 'application' | 'client_address'>): string {
  return [application, client_address].filter((part) => part !== null && part !== '').join(' ') || 'a receiver';
}

export function judgeReceivers(rows: readonly Receiver[], maxLagS: number): Finding[] {
  return gather(
    rows
      .filter(({ replay_lag_s }) => (replay_lag_s ?? 0) > maxLagS)
      .map(({ application, client_address, database, state, sync_state, lag_size, replay_lag_s }) => ({
        severity: 'warning' as const,
        object: nameReceiver({ application, client_address }),
        claim: `${database === null ? 'A standby replays' : 'A receiver of logical changes is'} ${Math.round(replay_lag_s ?? 0)} s behind.`,
        evidence: { client_address, database, state, sync_state, lag_size, replay_lag_s },
        why: 'https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW',
        next_step: 'SELECT * FROM pg_stat_replication;',
      })),
    (count) => `${count} receivers of WAL are behind.`,
  );
}

/** Only that one knows whether the other half was committed. */
const OR_ITS_MANAGER = '-- otherwise its transaction manager has to end it, by COMMIT PREPARED or ROLLBACK PREPARED';

export function judgePrepared(rows: readonly Prepared[], maxS: number): Finding[] {
  return gather(
    rows
      .filter(({ age_s }) => (age_s ?? 0) > maxS)
      .map(({ gid, owner, database, age_s, xmin_age }) => ({
        severity: 'warning' as const,
        claim: `A prepared transaction has been waiting for ${Math.round(age_s ?? 0)} s, and keeps its locks.`,
        object: gid,
        evidence: { owner, database, age_s, xmin_age },
        why: 'https://www.postgresql.org/docs/current/sql-prepare-transaction.html',
        next_step: `${endPrepared(gid)}\n${OR_ITS_MANAGER}`,
      })),
    (count) => `${count} prepared transactions wait to be committed or rolled back.`,
    `${endPrepared(null)}\n${OR_ITS_MANAGER}`,
  );
}
