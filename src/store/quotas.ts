import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Result } from '../postgres/database.ts';
import { arrayText } from '../postgres/parameter-text.ts';
import type { Step } from '../postgres/wire.ts';
import type { Changes } from './changes.ts';
import type { StoreConnection } from './connection.ts';

/** What can be asked; migrations/0004-personas.sql says what each means and is answered. */
type Kind = 'call' | 'spent' | 'place' | 'hold' | 'rows' | 'left' | 'owed';

export interface Ask {
  readonly kind: Kind;
  readonly caller: string;
  readonly most: number;
  readonly amount?: number;
}

/** What callers have used up of their limits, counted in the store for all replicas. */
export interface Quotas {
  /** Becomes a replica that others know of, and learns of them. */
  join(): Promise<void>;
  /** Whether other replicas count the same callers, or did within the last minute. */
  areShared(): boolean;
  /** Asks together with all that is asked meanwhile: a round trip is under way at most once. */
  ask(ask: Ask): Promise<number>;
  /** Says that a caller has given a place back. */
  released(caller: string): void;
  close(): Promise<void>;
}

export interface QuotasParts {
  readonly connection: StoreConnection;
  readonly changes: Pick<Changes, 'listen'>;
  /** How many places each caller has here. */
  readonly held: () => ReadonlyMap<string, number>;
  /** What was counted here and not in the store, so that nobody has two allowances; told again if that fails. */
  readonly untold: () => { readonly asks: readonly Ask[]; readonly told: () => void };
  readonly warn: (message: string, error: unknown) => void;
  readonly now?: () => number;
}

interface Waiting {
  readonly ask: Ask;
  resolve(answer: number): void;
  reject(error: unknown): void;
}

const BEAT_MS = 1000;
/** After this long an allowance of a minute is whole again, whoever had counted it. */
const SHARED_FOR_MS = 61_000;
const MAX_BATCH = 1000;

const SEEN = 'select others, isnew::text from howdah.replica_seen($1)';
const USE = `select place, answer from howdah.use_quotas($1, $2::text[], $3::text[], $4::float8[], $5::float8[])`;
const GONE = 'select howdah.replica_gone($1)';

export function openQuotas(parts: QuotasParts): Quotas {
  const { connection, changes, held, untold, warn, now = () => performance.now() } = parts;
  const me = randomUUID();
  const dirty = new Set<string>();
  let waiting: Waiting[] = [];
  let joined = false;
  let isBeatDue = false;
  /** The store does not know what this process has counted by itself. */
  let isBehind = true;
  let sharedUntil = -Infinity;
  let flushing: Promise<void> | undefined;
  let isTroubled = false;
  let closed = false;

  const areShared = () => joined && now() < sharedUntil;

  function beat(): void {
    isBeatDue = true;
    kick();
  }

  function kick(): void {
    flushing ??= flush().finally(() => (flushing = undefined));
  }

  async function flush(): Promise<void> {
    // a turn of the event loop lets those who were answered take their places, and those who ask at once ask together
    for (await nextTurn(); waiting.length > 0 || isBeatDue || (areShared() && dirty.size > 0); await nextTurn()) {
      const batch = waiting.splice(0, MAX_BATCH);
      try {
        await send(batch);
        isTroubled = false;
      } catch (error) {
        fail(batch, error);
        return;
      }
    }
  }

  function fail(batch: readonly Waiting[], error: unknown): void {
    isBeatDue = false;
    isBehind = true;
    const all = [...batch, ...waiting];
    waiting = [];
    for (const each of all) each.reject(error);
    if (!isTroubled && !closed) warn('limits cannot be counted in the store', error);
    isTroubled = true;
  }

  async function send(batch: readonly Waiting[]): Promise<void> {
    const isBeat = isBeatDue && joined;
    isBeatDue = false;
    const catchUp = areShared() && isBehind ? untold() : undefined;
    const holds = areShared() ? takeHolds(catchUp !== undefined) : [];
    const first = [...holds, ...(catchUp?.asks ?? [])];
    const asks = [...first, ...batch.map(({ ask }) => ask)];
    const [seen, used] = await exchange(isBeat, asks);
    if (catchUp) {
      catchUp.told();
      isBehind = false;
    }
    const answers = new Map((used?.rows ?? []).map(([place, answer]) => [Number(place), Number(answer)]));
    for (const [i, each] of batch.entries()) each.resolve(answers.get(first.length + i + 1) ?? 0);
    if (seen) learn(seen.rows[0] ?? []);
  }

  /** One round trip, for both. */
  async function exchange(isBeat: boolean, asks: readonly Ask[]): Promise<readonly (Result | undefined)[]> {
    const seen = isBeat ? [{ text: SEEN, values: [me] }] : [];
    const use = asks.length > 0 ? [useStep(me, asks)] : [];
    if (seen.length + use.length === 0) return [];
    try {
      const results = await connection.exchange([...seen, ...use]);
      return isBeat ? [results[0], results[1]] : [undefined, results[0]];
    } catch (error) {
      // what was granted without being heard of is given back by saying what is held
      for (const { kind, caller } of asks) if (kind === 'hold' || kind === 'place') dirty.add(caller);
      throw error;
    }
  }

  /** Of those that changed, or of all. */
  function takeHolds(all: boolean): Ask[] {
    if (!all && dirty.size === 0) return [];
    const counts = held();
    const callers = [...new Set([...dirty, ...(all ? counts.keys() : [])])];
    dirty.clear();
    return callers.map((caller) => ({ kind: 'hold', caller, most: 0, amount: counts.get(caller) ?? 0 }));
  }

  function learn([others, isNew]: readonly (string | null)[]): void {
    const wereShared = areShared();
    if (Number(others) > 0) sharedUntil = now() + SHARED_FOR_MS;
    // the store has forgotten this replica, or knows nothing of what it has counted alone
    if (isNew === 'true' || (areShared() && !wereShared)) isBehind = true;
    if (areShared() && isBehind) isBeatDue = true;
  }

  let timer: NodeJS.Timeout | undefined;
  let unlisten: (() => void) | undefined;

  return {
    async join() {
      joined = true;
      timer = setInterval(beat, BEAT_MS).unref();
      unlisten = changes.listen('replicas', beat);
      beat();
      await flushing;
    },
    areShared,
    ask: (ask) =>
      new Promise((resolve, reject) => {
        waiting.push({ ask, resolve, reject });
        kick();
      }),
    released(caller) {
      if (!areShared()) return;
      dirty.add(caller);
      kick();
    },
    async close() {
      closed = true;
      clearInterval(timer);
      unlisten?.();
      await flushing;
      if (joined) await connection.exchange([{ text: GONE, values: [me] }]).catch(() => undefined);
    },
  };
}

function useStep(me: string, asks: readonly Ask[]): Step {
  return {
    text: USE,
    values: [
      me,
      arrayText(asks.map(({ kind }) => kind)),
      arrayText(asks.map(({ caller }) => caller)),
      arrayText(asks.map(({ most }) => (most === Infinity ? 'infinity' : most))),
      arrayText(asks.map(({ amount = 0 }) => amount)),
    ],
  };
}
