import type { AuditEvent } from '../contract/audit-event.ts';
import { emptyChain, type Head } from './chain.ts';
import type { DroppedMonths } from './dropped.ts';
import { OpenedDetails } from './earlier.ts';
import { headOf, type ScannedEvent } from './store-scan.ts';

/** The first thing that is wrong with a chain. */
export interface BrokenChain {
  readonly chain: string;
  readonly sequence: number;
  readonly at: string | null;
  readonly what: string;
}

export interface CheckedChain {
  readonly chain: string;
  /** The newest event that was found whole; sequence -1 if none is. */
  head: Head;
  events: number;
  closed: boolean;
  dropped: boolean;
  broken: BrokenChain | undefined;
}

/** An event that something else in the log says was there. */
export interface Claim extends Head {
  /** Who says it, such as `the checkpoint 17`. */
  readonly from: string;
}

/** Takes events by chain and sequence, and checks the links between them. */
export interface ChainChecker {
  add(scanned: ScannedEvent): void;
  readonly chains: ReadonlyMap<string, CheckedChain>;
  /** What the first events of chains say of earlier ones. */
  readonly claims: readonly Claim[];
}

export function createChainChecker(dropped: Pick<DroppedMonths, 'find'>): ChainChecker {
  const chains = new Map<string, CheckedChain>();
  const claims: Claim[] = [];

  function stateOf(chain: string): CheckedChain {
    const known = chains.get(chain);
    if (known !== undefined) return known;
    const head = emptyChain(chain);
    const state = { chain, head, events: 0, closed: false, dropped: false, broken: undefined };
    chains.set(chain, state);
    return state;
  }

  /** Events that were dropped by age stand between. */
  function skipDropped(state: CheckedChain, { sequence }: AuditEvent): void {
    while (sequence > state.head.sequence + 1) {
      const run = dropped.find(state.chain, state.head.sequence + 1);
      if (run === undefined || run.first !== state.head.sequence + 1 || run.previous_hash !== state.head.hash) return;
      state.head = { chain: state.chain, sequence: run.last, hash: run.hash };
      state.dropped = true;
    }
  }

  return {
    chains,
    claims,
    add({ event, broken }) {
      const state = stateOf(event.chain);
      state.events += 1;
      if (state.broken !== undefined) return;
      skipDropped(state, event);
      const what = broken ?? checkPlace(event, state);
      if (what !== undefined) {
        state.broken = { chain: event.chain, sequence: event.sequence, at: event.at, what };
        return;
      }
      state.head = headOf(event);
      state.closed = event.kind === 'closed';
      if (event.kind === 'opened') claims.push(...earlierOf(event));
    },
  };
}

function checkPlace(event: AuditEvent, { head, closed }: CheckedChain): string | undefined {
  const expected = head.sequence + 1;
  if (event.sequence < expected) return `Its place is taken: there is another event ${event.sequence}.`;
  if (event.sequence > expected) {
    const missing = event.sequence - expected;
    return missing === 1
      ? `The event ${expected} before it is gone.`
      : `${missing} events before it are gone, from ${expected}.`;
  }
  if (event.previous_hash !== head.hash) return 'It does not follow the event before it, which was changed.';
  if (closed) return 'It stands behind the closing event.';
  if ((event.kind === 'opened') !== (event.sequence === 0)) {
    return 'An opening event stands first in a chain, and only there.';
  }
  if (event.kind === 'opened' && !OpenedDetails.safeParse(event.details).success) {
    return 'Its details are not those of an opening event.';
  }
  return undefined;
}

function earlierOf(event: AuditEvent): Claim[] {
  const { earlier } = OpenedDetails.parse(event.details);
  return earlier.map((head) => ({ ...head, from: `the chain ${event.chain}` }));
}
