import { isDeepStrictEqual } from 'node:util';
import type { AuditLog } from '../audit/event.ts';
import { createConfigError } from '../config/problem.ts';
import { toPlatformError } from '../core/errors.ts';
import type { RefusedRow } from '../policy/stored-grants.ts';
import { NO_STORED_RULES, readStoredRules, type StoredRules } from '../policy/stored-rules.ts';
import type { Store } from '../store/open-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createRuleMemory } from './rule-memory.ts';
import { useWhatCanBe } from './usable-rules.ts';

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
  const memory = createRuleMemory();
  let rules = NO_STORED_RULES;
  /** As the store has them, whether or not all of them could be used. */
  let known: StoredRules | undefined;
  let isWhole = true;
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let currentAt = clock();
  let retry: NodeJS.Timeout | undefined;
  let ending: NodeJS.Timeout | undefined;
  let isClosed = false;
  /** Since when what the store has cannot be taken over, and why. */
  let failedAt: number | undefined;
  let troubled: string | undefined;

  async function read(): Promise<void> {
    const found = await readStoredRules(store);
    currentAt = clock();
    for (const row of found.refused) refuse(row);
    const { rules: wanted, returned } = memory.withoutReturns(found, rules);
    for (const what of returned) refuse({ table: 'gone', row: what });
    // a start says what is wrong; from then on a right that is taken away must not wait for it to be put right
    if (known === undefined && found.problems.length > 0) throw createConfigError('the store', found.problems);
    if (isClosed) return;
    if (isWhole && isDeepStrictEqual(wanted, known ?? NO_STORED_RULES)) {
      known = wanted;
      return;
    }
    rules = known === undefined ? useAll(wanted) : useMost(wanted);
    known = wanted;
    for (const { path, message } of found.problems) logger.error({ path }, `a persona of the store ${message}`);
    awaitGrantEnd();
  }

  function useAll(wanted: StoredRules): StoredRules {
    use(wanted);
    return wanted;
  }

  function useMost(wanted: StoredRules): StoredRules {
    const { used, leftOut } = useWhatCanBe(wanted, use);
    isWhole = leftOut.length === 0;
    if (!isWhole) logger.error({ personas: leftOut }, 'personas of the store cannot be used here');
    return used;
  }

  /** Each once: it is met again at every change. */
  function refuse({ table, row }: RefusedRow): void {
    const key = `${table} ${row}`;
    if (toldOf.has(key)) return;
    toldOf.add(key);
    logger.error({ table, row }, 'a row of the store is not what Howdah wrote; it is not put in force');
    const problem = table === 'gone' ? 'a newer row was deleted' : 'not bound to an audit event under secrets.key';
    const details = { table, row, problem };
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

  /** What cannot be read or used is tried again until it can. */
  function follow(): void {
    clearTimeout(retry);
    refresh().then(settled, (error: unknown) => {
      if (isClosed) return;
      const reason = toPlatformError(error);
      if (reason.message !== troubled) {
        logger.error({ err: reason }, 'the personas of the store were not taken over; the old ones stay in force');
      }
      troubled = reason.message;
      failedAt ??= clock();
      retry = setTimeout(follow, RETRY_MS).unref();
    });
  }

  function settled(): void {
    failedAt = undefined;
    troubled = undefined;
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
      return clock() - Math.min(currentAt, failedAt ?? Infinity) < STALE_MS;
    },
    close() {
      isClosed = true;
      unlisten();
      clearTimeout(retry);
      clearTimeout(ending);
    },
  };
}
