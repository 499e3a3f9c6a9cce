import type { Store } from '../store/open-store.ts';
import { readAccepted } from './accepted.ts';
import { checkSealed, readBoundRows, type BoundTable, type BrokenRow } from './bound-tables.ts';
import type { Head } from './chain.ts';
import { readDropped, type DroppedMonths } from './dropped.ts';
import { createChainChecker, type ChainChecker, type CheckedChain, type Claim } from './store-chains.ts';
import { checkCheckpointFile, checkCheckpoints } from './store-checkpoints.ts';
import type { CheckedCheckpoints, CheckedFile } from './store-checkpoints.ts';
import { createClaimChecker } from './store-claims.ts';
import { scanEvents, type Exchange } from './store-scan.ts';
import { createStatementChecker, type StatementChecker } from './store-statements.ts';

/** The first thing that is wrong with a chain, or something that is wrong beside the chains. */
export interface BrokenInStore {
  /** A chain, `checkpoints`, `file of checkpoints`, or a table with the key of a row. */
  readonly place: string;
  /** Of the event in its chain, or the number of the checkpoint. */
  readonly sequence: number | null;
  readonly at: string | null;
  readonly what: string;
}

export interface StoreReport {
  readonly ok: boolean;
  readonly events: number;
  readonly chains: number;
  /** The newest chains with their heads; and how each chain stands that is not simply closed. */
  readonly heads: readonly Head[];
  readonly broken: readonly BrokenInStore[];
  readonly notes: readonly string[];
  readonly checkpoints: Pick<CheckedCheckpoints, 'count' | 'newest'>;
  /** Undefined where no file of checkpoints was compared. */
  readonly external: Pick<CheckedFile, 'count' | 'newest' | 'accepted'> | undefined;
  readonly limits: string;
  /** What is gone and could be accepted as lost. */
  readonly lost: Lost;
}

export interface Lost {
  readonly chains: readonly (Head & { readonly lost: number })[];
  readonly checkpoints: { readonly from: number; readonly to: number; readonly at: string } | null;
}

export interface StoreVerification {
  readonly store: Pick<Store, 'connect' | 'keys'>;
  /** A file of checkpoints outside the store. */
  readonly checkpoints: string | undefined;
  readonly progress?: (message: string, done: number) => void;
  readonly boundTables?: readonly BoundTable[];
  /** In milliseconds since the epoch, where it is not the clock's. */
  readonly now?: number;
}

const PROGRESS_EVERY = 10_000;
const MAX_HEADS = 100;
const MAX_BROKEN = 1000;

/**
 * Checks every event, chain, checkpoint and bound row of the store, in memory that grows with the number of chains only.
 * The events are read on a session for them alone, since it is lost with an event that is too large to be read.
 */
export async function verifyStore(options: StoreVerification): Promise<StoreReport> {
  const [session, forEvents] = [options.store.connect(), options.store.connect()];
  try {
    return await verifyAll(
      options,
      (steps) => session.exchange(steps),
      (steps) => forEvents.exchange(steps),
    );
  } finally {
    await Promise.all([session.close(), forEvents.close()]);
  }
}

async function verifyAll(
  options: StoreVerification,
  exchange: Exchange,
  exchangeEvents: Exchange,
): Promise<StoreReport> {
  const { checkpoints: file, progress = () => undefined } = options;
  const { keys } = options.store;
  const publicKeys = keys.publicKeys();
  const dropped = await readDropped(exchange, publicKeys);
  const losses = await readAccepted(exchange, publicKeys);
  const rows = await readBoundRows(exchange, keys, options.boundTables, options.now);
  const statements = createStatementChecker(exchange);
  const checker = createChainChecker(dropped);
  const events = await checkEvents(exchangeEvents, { checker, rows, statements, progress });
  const chains = new Map(checker.chains);
  const claims = createClaimChecker({ exchange, chains, dropped, losses });
  await claims.check([...checker.claims, ...claimsOfDropped(dropped)]);
  progress('the checkpoints', events.count);
  const check = { exchange, keys: publicKeys, claims };
  const checkpoints = await checkCheckpoints(check);
  const external = file === undefined ? undefined : await checkCheckpointFile(file, check, losses);
  const kept = await statements.finish();
  const registry = await compareRegistry(exchange, chains, dropped);
  const broken = [
    ...[...chains.values()].flatMap((chain) => chain.broken ?? []).map(placed),
    ...dropped.broken.map(({ month, what }) => row({ table: 'audit_dropped', row: month, what })),
    ...losses.broken.map((what) => ({ place: 'audit_accepted', sequence: null, at: null, what })),
    ...numbered('checkpoints', checkpoints),
    ...numbered('file of checkpoints', external),
    ...rows.finish(droppedUntil(dropped)).map(row),
    ...kept.broken.map(row),
    ...(await checkSealed(exchange, keys)).map(row),
    ...registry.broken,
  ];
  return {
    ok: broken.length === 0,
    events: events.count,
    chains: chains.size,
    heads: newestHeads(chains),
    broken: broken.slice(0, MAX_BROKEN),
    notes: [
      ...registry.notes,
      ...[...claims.accepted].map((chain) => `The end of the chain ${chain} is lost, which was accepted.`),
      ...(dropped.months.length > 0 ? [describeDropped(dropped)] : []),
      ...describeElsewhere(events.elsewhere),
    ],
    checkpoints: { count: checkpoints.count, newest: checkpoints.newest },
    external: external && { count: external.count, newest: external.newest, accepted: external.accepted },
    limits: describeLimits(external),
    lost: { chains: lostChains(claims.lost, chains), checkpoints: lostCheckpoints(external) },
  };
}

interface EventParts {
  readonly checker: ChainChecker;
  readonly rows: Awaited<ReturnType<typeof readBoundRows>>;
  readonly statements: StatementChecker;
  readonly progress: (message: string, done: number) => void;
}

async function checkEvents(
  exchange: Exchange,
  { checker, rows, statements, progress }: EventParts,
): Promise<{ count: number; elsewhere: number }> {
  let count = 0;
  let elsewhere = 0;
  for await (const scanned of scanEvents(exchange)) {
    checker.add(scanned);
    if (scanned.broken === undefined) {
      rows.add(scanned.event);
      await statements.add(scanned.event);
    }
    count += 1;
    if (scanned.isElsewhere) elsewhere += 1;
    if (count % PROGRESS_EVERY === 0) progress(`${count} events`, count);
  }
  return { count, elsewhere };
}

/** What was signed of a dropped chain must go on with what is still there. */
function claimsOfDropped({ months }: DroppedMonths): Claim[] {
  return months.flatMap(({ month, chains }) =>
    chains
      .filter(({ first }) => first > 0)
      .map(({ chain, first, previous_hash: hash }) => ({
        chain,
        sequence: first - 1,
        hash,
        from: `what was signed of ${month} when it was dropped`,
      })),
  );
}

/** The table of chains against the chains that have events. */
async function compareRegistry(
  exchange: Exchange,
  chains: ReadonlyMap<string, CheckedChain>,
  { months }: DroppedMonths,
): Promise<{ broken: BrokenInStore[]; notes: string[] }> {
  const [result] = await exchange([{ text: 'select chain, ended_at is null from howdah.audit_chain', values: [] }]);
  const known = new Set((result?.rows ?? []).map(([chain]) => chain ?? ''));
  const unknown = [...chains.values()].filter(({ chain, events }) => events > 0 && !known.has(chain));
  const gone = new Set(months.flatMap((month) => month.chains.map(({ chain }) => chain)));
  const empty = [...known].filter((chain) => !chains.has(chain) && !gone.has(chain));
  return {
    broken: unknown.map(({ chain }) => ({
      place: chain,
      sequence: null,
      at: null,
      what: 'No writer has begun this chain: it is not in howdah.audit_chain.',
    })),
    notes: empty.length === 0 ? [] : [`${empty.length} chains were begun and have no event.`],
  };
}

function describeElsewhere(count: number): string[] {
  if (count === 0) return [];
  return [
    `${count} events are in no month: the clock of their writer was wrong, or they came after their month was dropped.`,
  ];
}

function lostChains(lost: ReadonlyMap<string, Claim>, chains: ReadonlyMap<string, CheckedChain>): Lost['chains'] {
  return [...lost.values()].flatMap(({ chain, sequence }) => {
    const head = chains.get(chain)?.head;
    return head === undefined ? [] : [{ ...head, lost: sequence }];
  });
}

function lostCheckpoints(external: CheckedFile | undefined): Lost['checkpoints'] {
  const missing = external?.missing ?? [];
  if (missing.length === 0) return null;
  const numbers = missing.map(({ number }) => number);
  const at =
    missing
      .map((each) => each.at)
      .toSorted()
      .at(-1) ?? '';
  return { from: Math.min(...numbers), to: Math.max(...numbers), at };
}

function newestHeads(chains: ReadonlyMap<string, CheckedChain>): Head[] {
  const heads = [...chains.values()].map(({ head }) => head).filter(({ sequence }) => sequence >= 0);
  return heads.slice(-MAX_HEADS).toReversed();
}

function describeDropped({ months }: DroppedMonths): string {
  const events = months.reduce((sum, month) => sum + month.events, 0);
  return `${events} events of ${months.length} months were dropped by age, up to ${months.at(-1)?.month.slice(0, 7)}.`;
}

function droppedUntil({ months }: DroppedMonths): number {
  const last = months.at(-1)?.month;
  return last === undefined ? 0 : Date.UTC(Number(last.slice(0, 4)), Number(last.slice(5, 7)), 1);
}

function describeLimits(external: CheckedFile | undefined): string {
  if (external === undefined) {
    return 'Not checked: whether the newest events and checkpoints were removed together. Name a copy of the checkpoints that is kept elsewhere.';
  }
  const until = external.newest?.at ?? 'the beginning';
  return `Not checked: whether events after ${until} were removed. The file of checkpoints ends there.`;
}

function placed({ chain, sequence, at, what }: NonNullable<CheckedChain['broken']>): BrokenInStore {
  return { place: chain, sequence, at, what };
}

function row({ table, row: key, what }: BrokenRow): BrokenInStore {
  return { place: `${table} ${key}`, sequence: null, at: null, what };
}

function numbered(place: string, checked: CheckedCheckpoints | undefined): BrokenInStore[] {
  if (checked?.broken === undefined) return [];
  const { number, at, what } = checked.broken;
  return [{ place, sequence: number, at, what }];
}
