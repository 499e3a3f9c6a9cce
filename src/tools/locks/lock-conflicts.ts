import { sql, type Sql } from '../kit/index.ts';

/** As pg_locks names them: https://www.postgresql.org/docs/current/view-pg-locks.html */
export const LOCK_TYPES = [
  'relation',
  'extend',
  'frozenid',
  'page',
  'tuple',
  'transactionid',
  'virtualxid',
  'spectoken',
  'object',
  'userlock',
  'advisory',
  'applytransaction',
] as const;
export const LOCK_MODES = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;

/** The modes that conflict with one: https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY */
export function conflictsWith(mode: Sql): Sql {
  return sql`case ${mode}
             when 'AccessShareLock' then '{AccessExclusiveLock}'::text[]
             when 'RowShareLock' then '{ExclusiveLock,AccessExclusiveLock}'
             when 'RowExclusiveLock' then '{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             when 'ShareUpdateExclusiveLock' then '{ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             when 'ShareLock' then '{RowExclusiveLock,ShareUpdateExclusiveLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             when 'ShareRowExclusiveLock' then '{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             when 'ExclusiveLock' then '{RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             when 'AccessExclusiveLock' then '{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'
             end`;
}
