import { z } from 'zod';
import { PlatformError } from '../core/errors.ts';
import type { ReadOnlySession } from './database.ts';
import { compileShape, decodeRows } from './exact-values.ts';
import { compile, param, sql } from './sql.ts';

const LOOK_EVERY_MS = 1000;

/**
 * Only those who wait for a lock on something that we hold or wait for ourselves: pg_blocking_pids stops the lock
 * manager for a moment each time. https://www.postgresql.org/docs/current/functions-info.html
 */
const BLOCKED = compile(sql`
  with locks as materialized (select * from pg_catalog.pg_locks),
  waiting as (
    select distinct w.pid
      from locks w join locks ours on ours.pid = ${param('pid')}::int
       and (w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
           is not distinct from (ours.locktype, ours.database, ours.relation, ours.page, ours.tuple, ours.virtualxid,
                                 ours.transactionid, ours.classid, ours.objid, ours.objsubid)
     where not w.granted and w.pid <> ours.pid
  )
  select w.pid from waiting w where ${param('pid')}::int = any (pg_catalog.pg_blocking_pids(w.pid)) order by w.pid`);

const shape = compileShape({ pid: z.int() });

/** Runs `look` on another connection; undefined when none is free, so that watching never costs a call its turn. */
export type Look = (work: (session: ReadOnlySession) => Promise<number[]>) => Promise<number[] | undefined>;

/**
 * Looks once a second, from the first second on, whether the session `pid` keeps others waiting; calls `stop` when one
 * is seen waiting twice. Returns what ends the watch.
 */
export function watchBlocking(pid: number, look: Look, stop: (reason: PlatformError) => void): () => void {
  let waitingBefore: readonly number[] = [];
  let ended = false;
  const lookLater = () => setTimeout(() => void check(), LOOK_EVERY_MS).unref();
  let timer = lookLater();

  async function check(): Promise<void> {
    // A server that cannot be asked is what the statement itself will fail with.
    const waiting = await look((session) => blockedBy(session, pid)).catch(() => undefined);
    if (ended) return;
    const blocked = waiting?.find((each) => waitingBefore.includes(each));
    if (blocked !== undefined) return stop(blocksOthers(blocked));
    waitingBefore = waiting ?? waitingBefore;
    timer = lookLater();
  }

  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

async function blockedBy(session: ReadOnlySession, pid: number): Promise<number[]> {
  const rows = decodeRows(await session.query(BLOCKED, { pid }), shape);
  return rows.map((row) => Number(row['pid']));
}

function blocksOthers(blockedPid: number): PlatformError {
  return new PlatformError(
    'QUERY_FAILED',
    'The statement was cancelled, since it kept another session waiting for a lock.',
    {
      hint: 'Try again when the other session is done: it may be an ALTER TABLE, whose queue holds up everybody else too.',
      details: { blocked_pid: blockedPid },
    },
  );
}
