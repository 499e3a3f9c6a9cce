import type { ReachedDatabase } from '../../calls/context.ts';
import { PlatformError } from '../../core/errors.ts';
import type { Deadline } from '../../core/deadline.ts';
import type { ReachedSession } from '../../calls/reached-session.ts';
import type { NotExamined } from '../kit/index.ts';

/** Left for the answer. */
const RESERVE_MS = 500;
/** What a slow disk gives; the speed is taken for known once so much was read. */
const FIRST_BYTES_PER_MS = 30_000;
const ENOUGH_BYTES = 33_554_432;
/** What was read before may have been in memory. */
const CAUTION = 2;

interface Work<Item, Measured> {
  readonly deadline: Pick<Deadline, 'remainingMs'>;
  /** Bytes that measuring it reads. */
  readonly bytesOf: (item: Item) => number;
  readonly nameOf: (item: Item) => string;
  /** Undefined where a lock keeps it from us, or it is gone. */
  readonly measure: (session: ReachedSession, item: Item) => Promise<Measured | undefined>;
}

interface MeasuredEach<Item, Measured> {
  readonly measured: ReadonlyMap<Item, Measured>;
  readonly gaps: readonly NotExamined[];
}

/**
 * Measures one after the other for as long as the call may take, each in a transaction of its own: the lock that
 * measuring needs is not kept. What is in the way of one costs a line and that one.
 */
export async function measureEach<Item, Measured>(
  target: ReachedDatabase,
  items: readonly Item[],
  { deadline, bytesOf, nameOf, measure }: Work<Item, Measured>,
): Promise<MeasuredEach<Item, Measured>> {
  const measured = new Map<Item, Measured>();
  const [locked, late, gaps]: [string[], string[], NotExamined[]] = [[], [], []];
  let [bytes, elapsedMs] = [0, 0];
  for (const item of items) {
    if (!isQuickEnough(bytesOf(item), { bytes, elapsedMs }, deadline.remainingMs())) {
      late.push(nameOf(item));
      continue;
    }
    const startedAt = performance.now();
    try {
      const result = await target.readOnly((session) => measure(session, item));
      if (result) {
        measured.set(item, result);
        bytes += bytesOf(item);
        elapsedMs += performance.now() - startedAt;
      } else locked.push(nameOf(item));
    } catch (error) {
      if (!(error instanceof PlatformError) || !TOLERABLE.has(error.code)) throw error;
      gaps.push(unmeasured(nameOf(item), error));
      // the next would fail alike
      if (error.code === 'UNSUPPORTED') break;
    }
  }
  return { measured, gaps: [...gaps, ...tell(locked, LOCKED), ...tell(late, LATE)] };
}

/** Whether so many bytes are likely to be read in the time that is left. */
export function isQuickEnough(
  size: number,
  { bytes, elapsedMs }: { readonly bytes: number; readonly elapsedMs: number },
  remainingMs: number,
): boolean {
  const bytesPerMs = bytes < ENOUGH_BYTES ? FIRST_BYTES_PER_MS : bytes / Math.max(elapsedMs, 1) / CAUTION;
  return size / bytesPerMs <= remainingMs - RESERVE_MS;
}

const TOLERABLE: ReadonlySet<string> = new Set(['QUERY_FAILED', 'UNSUPPORTED']);

const LOCKED = {
  reason: 'A session holds or awaits an exclusive lock on it, or it is gone.',
  remedy: 'activity shows who blocks whom.',
};
const LATE = {
  reason: 'It would take longer than the call may.',
  remedy: 'Ask for it alone, by schema and name, with a higher timeout_s.',
};

function tell(names: readonly string[], why: Omit<NotExamined, 'what'>): NotExamined[] {
  if (names.length === 0) return [];
  const others = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return [{ what: `the exact bloat of ${names.slice(0, 10).join(', ')}${others}`, ...why }];
}

function unmeasured(name: string, { code, message, hint }: PlatformError): NotExamined {
  return {
    what: code === 'UNSUPPORTED' ? 'exact bloat' : `the exact bloat of ${name}`,
    reason: message,
    ...(hint !== undefined && { remedy: hint }),
  };
}
