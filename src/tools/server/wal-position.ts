import { sql } from '../kit/index.ts';

/** One row: where WAL is. pg_current_wal_lsn() fails on a standby, so each function is asked where it has an answer. */
export const walPositions = sql`
              select pg_catalog.pg_is_in_recovery() as standby,
                     case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_lsn() end as written,
                     case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn() end as received,
                     case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() end as replayed`;

/** Of `i`, a row of the above. A standby that only restores from an archive receives nothing. */
export const RECEIVED_OR_WRITTEN = sql`case when i.standby then coalesce(i.received, i.replayed) else i.written end`;
