import type { CallContext, ReachedDatabase } from '../../calls/context.ts';
import { maskStatements, pause, withoutOtherDatabases, type ConnectionFacts } from '../kit/index.ts';
import { WaitTally } from './wait-tally.ts';
import { waitSample, type WaitSample } from './wait-sample.ts';

/** What is left of the time of a call for its answer. */
const RESERVE_MS = 500;
const PROGRESS_EVERY_MS = 1000;

interface Sampling {
  readonly seconds: number;
  readonly intervalMs: number;
}

export interface SampledWaits {
  readonly tally: WaitTally;
  readonly facts: ConnectionFacts;
  /** Rows of databases that the caller may not reach. */
  readonly withheld: number;
  readonly tookMs: number;
  /** The call may not take as long as was asked for. */
  readonly cutShort: boolean;
}

export async function sampleWaits(
  target: ReachedDatabase,
  context: CallContext,
  { seconds, intervalMs }: Sampling,
): Promise<SampledWaits> {
  const tally = new WaitTally();
  const known = new Set<string>();
  const masking: Promise<void>[] = [];
  const started = performance.now();
  const allowedMs = context.deadline.remainingMs() - RESERVE_MS;
  const lastsMs = Math.min(1000 * seconds, allowedMs);
  let withheld = 0;
  let toldMs = 0;
  for (;;) {
    const { facts, rows, hidden, readMs } = await look(target, known);
    for (const { query_id, statement } of rows) if (query_id !== null && statement !== null) known.add(query_id);
    // to mask takes longer than to look, at first
    masking.push(maskRows(rows, context).then(() => tally.add(rows)));
    withheld += hidden;
    const tookMs = performance.now() - started;
    if (tookMs - toldMs >= PROGRESS_EVERY_MS) {
      toldMs = tookMs;
      context.progress(`${masking.length} samples`, Math.min(seconds, tookMs / 1000), seconds);
    }
    // a server that is slow to answer is left alone for as long as it took
    const restMs = Math.max(intervalMs - readMs, readMs);
    if (tookMs + restMs > lastsMs) {
      await Promise.all(masking);
      return { tally, facts, withheld, tookMs, cutShort: allowedMs < 1000 * seconds };
    }
    await pause(context, restMs);
  }
}

interface Look {
  readonly facts: ConnectionFacts;
  readonly rows: WaitSample[];
  readonly hidden: number;
  readonly readMs: number;
}

/**
 * A transaction sees the states of sessions as they were when it first looked, and holds back CREATE INDEX CONCURRENTLY
 * while it is open: each look has one of its own.
 */
async function look(target: ReachedDatabase, known: ReadonlySet<string>): Promise<Look> {
  return target.readOnly(
    async (session) => {
      const began = performance.now();
      const rows = await waitSample.read(session, { known: [...known] });
      const shown = withoutOtherDatabases(rows, waitSample.disclosure, (database) => target.mayShow(database));
      const readMs = performance.now() - began;
      return { facts: session.facts, rows: shown, hidden: rows.length - shown.length, readMs };
    },
    { single: true },
  );
}

/** Changes the rows in place. */
async function maskRows(rows: WaitSample[], { statementTexts: texts }: CallContext): Promise<void> {
  await maskStatements(rows, waitSample.disclosure, { texts, length: Infinity });
}
