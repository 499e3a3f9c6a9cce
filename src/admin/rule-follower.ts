import { isDeepStrictEqual } from 'node:util';
import type { AuditLog } from '../audit/event.ts';
import { createConfigError } from '../config/problem.ts';
import { PlatformError, toPlatformError } from '../core/errors.ts';
import type { RefusedRow } from '../policy/stored-grants.ts';
import { NO_STORED_RULES, readStoredRules, type StoredRules } from '../policy/stored-rules.ts';
import type { Store } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface RuleFollowerParts {
  readonly store: Pick<Store, 'exchange' | 'keys' | 'changes'>;
  /** Puts other rules in force, in one turn; fails with CONFIG_INVALID, and then those of before stay. */
  readonly use: (rules: StoredRules) => void;
  /** A grant has ended by the clock. */
  readonly onGrantEnd: () => void;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** The personas and grants of the store, as they are in force in this process. */
export interface RuleFollower {
  rules(): StoredRules;
  /** Reads again; whoever comes while a reading is under way has another one, which sees what was written before. */
  refresh(): Promise<void>;
  /** Whether a change could not have been missed for longer than some seconds. */
  isCurrent(): boolean;
  close(): void;
}

const RETRY_MS = 1000;
const LIVE_CHECK_MS = 100;
/** Longer than a store needs to fail over, and shorter than what it could hide is worth. */
const STALE_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function followRules({ store, use, onGrantEnd, audit, logger, now }: RuleFollowerParts): RuleFollower {
  const clock = now ?? (() => performance.now());
  const toldOf = new Set<string>();
  let rules = NO_STORED_RULES;
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let currentAt = clock();
  let retry: NodeJS.Timeout | undefined;
  let ending: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function read(): Promise<void> {
    const found = await readStoredRules(store);
    currentAt = clock();
    for (const row of found.refused) refuse(row);
    if (found.problems.length > 0) throw createConfigError('the store', found.problems);
    if (isClosed || isDeepStrictEqual(found.rules, rules)) return;
    use(found.rules);
    rules = found.rules;
    awaitGrantEnd();
  }

  /** Each once: it is met again at every change. */
  function refuse({ table, row }: RefusedRow): void {
    const key = `${table} ${row}`;
    if (toldOf.has(key)) return;
    toldOf.add(key);
    logger.error({ table, row }, 'a row of the store is not what Howdah wrote; it is not put in force');
    const details = { table, row, problem: 'not bound to an audit event under secrets.key' };
    audit
      .record({ kind: 'persona', operation: 'refuse_row', outcome: 'FORBIDDEN', details })
      .catch((error: unknown) => logger.error({ err: error }, 'a refused row of the store is not on record'));
  }

  /** Rights end by the clock at the next decision; those who only listen must be told. */
  function awaitGrantEnd(): void {
    clearTimeout(ending);
    const left = rules.grants.map(({ until }) => Date.parse(until) - Date.now()).filter((ms) => ms > 0);
    if (left.length === 0) return;
    ending = setTimeout(
      () => {
        onGrantEnd();
        awaitGrantEnd();
      },
      Math.min(LONGEST_TIMER_MS, Math.min(...left) + 1),
    ).unref();
  }

  function refresh(): Promise<void> {
    waiting ??= running.then(() => {
      const mine = read();
      running = mine.catch(() => undefined);
      waiting = undefined;
      return mine;
    });
    return waiting;
  }

  /** What cannot be read is read again until it can; what cannot be used waits for the next change. */
  function follow(): void {
    clearTimeout(retry);
    refresh().catch((error: unknown) => {
      if (isClosed) return;
      const reason = toPlatformError(error);
      const isAway = error instanceof PlatformError && error.code === 'UNAVAILABLE';
      logger.error({ err: reason }, 'the personas of the store were not taken over; the old ones stay in force');
      if (isAway) retry = setTimeout(follow, RETRY_MS).unref();
    });
  }

  const unlisten = store.changes.listen('personas', follow);

  /** What changed before anybody listened was read by nobody who would be told. */
  function readOnceLive(): void {
    if (store.changes.isLive()) follow();
    else if (!isClosed) setTimeout(readOnceLive, LIVE_CHECK_MS).unref();
  }
  if (!store.changes.isLive()) readOnceLive();

  return {
    rules: () => rules,
    refresh,
    isCurrent() {
      if (store.changes.isLive()) currentAt = clock();
      return clock() - currentAt < STALE_MS;
    },
    close() {
      isClosed = true;
      unlisten();
      clearTimeout(retry);
      clearTimeout(ending);
    },
  };
}
