import type { Finding } from '../kit/index.ts';

/** What it means that sessions wait for an event, and where that is explained. */
export interface HotSpot {
  readonly severity: Finding['severity'];
  /** Completes "On average 2.3 sessions …". */
  readonly means: string;
  readonly why: string;
  /** What to look at, as a comment. */
  readonly look: string;
}

const DOCS = 'https://www.postgresql.org/docs/current';

/** By the beginning of the name that `plainName` gives; the first that matches. */
const HOT_SPOTS: readonly (readonly [RegExp, HotSpot])[] = [
  [
    /^lwlock:lock(?:manager|fastpath)/,
    {
      severity: 'warning',
      means: 'waited for the lock table itself: their statements lock more relations than fit into the fast path',
      why: `${DOCS}/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION`,
      look: 'tables with many partitions or indexes, whose statements name no partition key, lock each of them',
    },
  ],
  [
    /^lwlock:wal(?:write|insert|bufmapping)/,
    {
      severity: 'warning',
      means: 'waited to write WAL',
      why: `${DOCS}/wal-configuration.html`,
      look: 'many small transactions can become fewer larger ones; how fast the disk of pg_wal syncs is what bounds commits',
    },
  ],
  [
    /^lwlock:buffermapping/,
    {
      severity: 'warning',
      means: 'waited while pages were exchanged in shared_buffers',
      why: `${DOCS}/runtime-config-resource.html#GUC-SHARED-BUFFERS`,
      look: 'statements that read much more than they need, or shared_buffers that are small for what is read all the time',
    },
  ],
  [
    /^lwlock:buffercontent/,
    {
      severity: 'warning',
      means: 'waited for single pages that others were changing',
      why: `${DOCS}/monitoring-stats.html#WAIT-EVENT-LWLOCK-TABLE`,
      look: 'a few rows that everybody updates, or the last page of an index over an ascending key',
    },
  ],
  [
    /^lwlock:subtrans/,
    {
      severity: 'warning',
      means: 'waited to look up subtransactions',
      why: `${DOCS}/subxacts.html`,
      look: 'more than 64 savepoints or exception blocks in a transaction slow everybody down while a long one is open',
    },
  ],
  [
    /^lwlock:multixact/,
    {
      severity: 'warning',
      means: 'waited to look up who shares the lock of a row',
      why: `${DOCS}/routine-vacuuming.html#VACUUM-FOR-MULTIXACT-WRAPAROUND`,
      look: 'many transactions that refer to the same few rows by foreign keys, or SELECT … FOR SHARE of them',
    },
  ],
  [
    /^lwlock:procarray/,
    {
      severity: 'warning',
      means: 'waited for the list of transactions, of which every snapshot is made',
      why: `${DOCS}/runtime-config-connection.html#GUC-MAX-CONNECTIONS`,
      look: 'fewer connections through a pooler; before PostgreSQL 14 idle ones cost as well',
    },
  ],
  [
    /^ipc:syncrep/,
    {
      severity: 'notice',
      means: 'waited for a standby to confirm their commits',
      why: `${DOCS}/warm-standby.html#SYNCHRONOUS-REPLICATION`,
      look: 'replication_status shows how far standbys are behind; SHOW synchronous_commit; says what is waited for',
    },
  ],
  [
    /^io:wal(?:sync|write)/,
    {
      severity: 'notice',
      means: 'waited for the disk of pg_wal',
      why: `${DOCS}/wal-configuration.html`,
      look: 'many small transactions can become fewer larger ones; pg_test_fsync tells how fast that disk syncs',
    },
  ],
];

export function hotSpotOf(type: string, event: string): HotSpot | undefined {
  const name = plainName(type, event);
  return HOT_SPOTS.find(([pattern]) => pattern.test(name))?.[1];
}

/** PostgreSQL 12 writes `lock_manager` and `WALWriteLock` for what is `LockManager` and `WALWrite` from 13 on. */
function plainName(type: string, event: string): string {
  return `${type}:${event.replaceAll('_', '').replace(/(?<=Control|Write|Mapping|Array)Lock$/, '')}`.toLowerCase();
}
