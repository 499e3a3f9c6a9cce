import { arrayText } from '../postgres/parameter-text.ts';
import type { AcceptedLosses } from './accepted.ts';
import type { DroppedMonths } from './dropped.ts';
import type { CheckedChain, Claim } from './store-chains.ts';
import type { Exchange } from './store-scan.ts';

/** Finds events that are said to have been there and are not, or are others now. */
export interface ClaimChecker {
  check(claims: readonly Claim[]): Promise<void>;
  /** The farthest event of each chain that is gone and not accepted as lost. */
  readonly lost: ReadonlyMap<string, Claim>;
  /** Ends of chains that are gone and were accepted as lost. */
  readonly accepted: ReadonlySet<string>;
}

interface ClaimParts {
  readonly exchange: Exchange;
  readonly chains: Map<string, CheckedChain>;
  readonly dropped: Pick<DroppedMonths, 'find'>;
  readonly losses: Pick<AcceptedLosses, 'hasChain'>;
}

const BATCH = 500;
const LOOK_UP = `select chain, sequence, hash from howdah.audit_event
  where (chain, sequence) in (select * from unnest($1::text[], $2::bigint[]))`;

export function createClaimChecker({ exchange, chains, dropped, losses }: ClaimParts): ClaimChecker {
  const lost = new Map<string, Claim>();
  const accepted = new Set<string>();

  function missing(claim: Claim): void {
    const { chain, sequence, from } = claim;
    const state = chains.get(chain) ?? unknownChain(chain);
    chains.set(chain, state);
    if (losses.hasChain(state.head, sequence)) {
      accepted.add(chain);
      return;
    }
    if (state.broken !== undefined && !lost.has(chain)) return; // what follows a break proves nothing
    if (sequence > (lost.get(chain)?.sequence ?? -1)) lost.set(chain, claim);
    const first = state.head.sequence + 1;
    const what =
      state.head.sequence < 0
        ? `The chain was deleted: ${from} has its event ${sequence}.`
        : `It was truncated: ${from} has its event ${sequence}, which is gone.`;
    state.broken ??= { chain, sequence: Math.min(first, sequence), at: null, what };
  }

  function judge(claim: Claim, found: ReadonlySet<string> | undefined): void {
    const { chain, sequence, hash, from } = claim;
    if (found?.has(hash) === true) return;
    if (found === undefined) {
      const run = dropped.find(chain, sequence);
      if (run === undefined) missing(claim);
      else if (run.last === sequence && run.hash !== hash) {
        broken(claim, `It was rewritten before it was dropped: ${from} has another event ${sequence}.`);
      }
      return;
    }
    broken(claim, `It was rewritten: ${from} has an event with another hash in its place.`);
  }

  function broken({ chain, sequence }: Claim, what: string): void {
    const state = chains.get(chain) ?? unknownChain(chain);
    chains.set(chain, state);
    if ((state.broken?.sequence ?? Infinity) > sequence) state.broken = { chain, sequence, at: null, what };
  }

  return {
    lost,
    accepted,
    async check(claims) {
      for (let from = 0; from < claims.length; from += BATCH) {
        const batch = claims.slice(from, from + BATCH);
        const found = await lookUp(exchange, batch);
        for (const claim of batch) judge(claim, found.get(keyOf(claim.chain, claim.sequence)));
      }
    },
  };
}

async function lookUp(exchange: Exchange, claims: readonly Claim[]): Promise<Map<string, Set<string>>> {
  const values = [arrayText(claims.map(({ chain }) => chain)), arrayText(claims.map(({ sequence }) => sequence))];
  const [result] = await exchange([{ text: LOOK_UP, values }]);
  const found = new Map<string, Set<string>>();
  for (const [chain, sequence, hash] of result?.rows ?? []) {
    const key = keyOf(chain ?? '', Number(sequence));
    found.set(key, (found.get(key) ?? new Set()).add(hash ?? ''));
  }
  return found;
}

function keyOf(chain: string, sequence: number): string {
  return `${sequence} ${chain}`;
}

function unknownChain(chain: string): CheckedChain {
  const head = { chain, sequence: -1, hash: '0'.repeat(64) };
  return { chain, head, events: 0, closed: false, dropped: false, broken: undefined };
}
