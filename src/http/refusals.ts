import type { AuditLog } from '../audit/event.ts';
import type { Principal } from '../contract/principal.ts';
import { networkOf } from '../core/networks.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { REFUSALS, type RefusalReason } from './refusal.ts';

const MINUTE_MS = 60_000;
/** Addresses with an event of their own in a minute; the others share one, so that a flood cannot fill the disk. */
const ADDRESSES_KEPT = 1000;
const PRINCIPALS_KEPT = 10;
const REASONS_KEPT = 30;

export interface RefusedRequest {
  readonly reason: RefusalReason;
  /** Says more of it, in words of ours; nothing that the caller wrote. */
  readonly detail?: string | undefined;
  readonly address: string;
  /** Who it was, where that was known by then. */
  readonly principal?: Principal | undefined;
}

/** Requests that never became a call: each counted, one audit event for an address and minute. */
export interface Refusals {
  add(request: RefusedRequest): void;
  /** Writes what is counted. Never rejects: what cannot be written is logged. */
  flush(): Promise<void>;
}

interface Tally {
  readonly since: string;
  readonly reasons: Map<string, number>;
  readonly codes: Set<(typeof REFUSALS)[RefusalReason]['code']>;
  readonly principals: Set<string>;
}

export interface RefusalParts {
  readonly audit: Pick<AuditLog, 'record'>;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  readonly addressesKept?: number;
}

export function createRefusals({ audit, logger, metrics, addressesKept = ADDRESSES_KEPT }: RefusalParts): Refusals {
  /** By network; the requests of all others are under null. */
  let tallies = new Map<string | null, Tally>();
  let timer: NodeJS.Timeout | undefined;

  function tallyOf(address: string): Tally {
    const network = networkOf(address);
    const key = tallies.has(network) || tallies.size < addressesKept ? network : null;
    const known = tallies.get(key);
    if (known) return known;
    const tally = {
      since: new Date().toISOString(),
      reasons: new Map<string, number>(),
      codes: new Set<Tally['codes'] extends Set<infer Code> ? Code : never>(),
      principals: new Set<string>(),
    };
    tallies.set(key, tally);
    return tally;
  }

  async function write(network: string | null, { since, reasons, codes, principals }: Tally): Promise<void> {
    try {
      await audit.record({
        kind: 'refused',
        decision: 'deny',
        outcome: codes.size === 1 ? [...codes][0] : null,
        transport: 'http',
        source_address: network,
        details: {
          since,
          reasons: Object.fromEntries(reasons),
          ...(principals.size > 0 && { principals: [...principals] }),
          ...(network === null && { note: 'further addresses of this minute' }),
        },
      });
    } catch (error) {
      logger.error({ err: error, source_address: network }, 'refused requests could not be written to the audit log');
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const counted = [...tallies];
    tallies = new Map();
    await Promise.all(counted.map(([network, tally]) => write(network, tally)));
  }

  return {
    flush,
    add({ reason, detail, address, principal }) {
      metrics?.refused(reason);
      const { reasons, codes, principals } = tallyOf(address);
      const named = detail === undefined ? reason : `${reason}: ${detail.slice(0, 100)}`;
      const key = reasons.has(named) || reasons.size < REASONS_KEPT ? named : reason;
      reasons.set(key, (reasons.get(key) ?? 0) + 1);
      codes.add(REFUSALS[reason].code);
      if (principal && principals.size < PRINCIPALS_KEPT) principals.add(`${principal.issuer}/${principal.subject}`);
      timer ??= setTimeout(() => void flush(), MINUTE_MS).unref();
    },
  };
}
