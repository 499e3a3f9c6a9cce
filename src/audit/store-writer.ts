import { createHash, randomBytes } from 'node:crypto';
import type { StoreConnection } from '../store/connection.ts';
import type { Store } from '../store/open-store.ts';
import { emptyChain, sealEvent, type Draft, type Head } from './chain.ts';
import { newChain } from './directory.ts';
import type { OpenedDetails } from './earlier.ts';
import { draftRecord } from './event.ts';
import { statementOf } from './statement.ts';
import { insertStatements } from './statement-rows.ts';
import { insertStep, type SealedEvent } from './store-rows.ts';
import type { WriterProcess } from './writer-process.ts';

/** The chain that this process adds to the store. One call at a time. */
export interface StoreWriter {
  chain(): string;
  secret(): string;
  /** Gives events their places in the chain; they are `pending` from then on, whatever becomes of them. */
  seal(drafts: readonly Draft[]): void;
  /** What was sealed and is not known to be durable. */
  pending(): readonly SealedEvent[];
  /** Resolves when all that is pending is in the store. What may be there already is not written twice. */
  flush(): Promise<void>;
  /** What was pending is durable on this machine. */
  spooled(): void;
  /** All that was spooled is in the store. */
  replayed(): void;
  /** Tells the store that the writer is alive. */
  ping(): Promise<void>;
  /** Ends the chain. */
  end(): Promise<void>;
}

export interface StoreWriterOptions {
  readonly store: Pick<Store, 'connect'>;
  readonly writer: WriterProcess;
  /** Of Howdah. */
  readonly version: string;
  readonly warn: (message: string) => void;
}

interface ChainState {
  readonly chain: string;
  readonly secret: string;
  /** The newest event that the store has acknowledged. */
  durable: Head;
  /** The newest event that has a place. */
  head: Head;
  pending: SealedEvent[];
}

const MAX_BATCH = 1000;
/** Of sealed statements: the parameters of one exchange must fit in memory, several times. */
const MAX_BATCH_BYTES = 8_000_000;

export function createStoreWriter({ store, writer, version, warn }: StoreWriterOptions): StoreWriter {
  let state = begin([]);
  const connection = store.connect({ opening: open });

  /** A chain is in the store when its first event is. */
  function begin(earlier: readonly Head[]): ChainState {
    const chain = newChain(Date.now(), []);
    const empty = emptyChain(chain);
    const details: OpenedDetails = { ...writer, version, node: process.version, earlier: [...earlier] };
    const begun: ChainState = { chain, secret: newSecret(), durable: empty, head: empty, pending: [] };
    sealInto(begun, [draftRecord({ kind: 'opened', details })]);
    return begun;
  }

  /** The store may be another one than before: a copy of it, or a standby that did not get all. */
  async function open(exchange: StoreConnection['exchange']): Promise<void> {
    const { durable } = state;
    if (durable.sequence >= 0 && !(await holds(exchange, durable))) {
      warn(`the store has lost events behind ${durable.chain}: it was restored, or failed over; a new chain is begun`);
      const unwritten = state.pending.map(({ draft }) => draft);
      state = begin([durable]);
      sealInto(state, unwritten);
    }
    await claimChain(exchange, { chain: state.chain, secret: state.secret, writer });
  }

  return {
    chain: () => state.chain,
    secret: () => state.secret,
    seal: (drafts) => sealInto(state, drafts),
    pending: () => state.pending,
    async flush() {
      await connection.ready(); // whereby the chain may become another one
      const { chain, pending } = state;
      for (const batch of batchesOf(pending)) {
        const statements = batch.map(({ draft }) => statementOf(draft));
        await connection.exchange([insertStep(chain, batch), ...insertStatements(statements)]);
      }
      state.durable = state.head;
      state.pending = [];
    },
    spooled() {
      state.pending = [];
    },
    replayed() {
      state.durable = state.head;
    },
    async ping() {
      await connection.exchange([{ text: 'select howdah.chain_seen()', values: [] }]);
    },
    async end() {
      if (state.durable.sequence >= 0) {
        await connection.exchange([{ text: 'select howdah.end_chain($1)', values: [state.chain] }]);
      }
    },
  };
}

function batchesOf(events: readonly SealedEvent[]): SealedEvent[][] {
  const batches: SealedEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = statementOf(event.draft)?.sealed.length ?? 0;
    const last = batches.at(-1);
    if (last === undefined || last.length >= MAX_BATCH || bytes + size > MAX_BATCH_BYTES) {
      batches.push([event]);
      bytes = size;
    } else {
      last.push(event);
      bytes += size;
    }
  }
  return batches;
}

function sealInto(state: ChainState, drafts: readonly Draft[]): void {
  for (const draft of drafts) {
    const previous = state.head;
    const { line, head } = sealEvent(draft, previous);
    state.pending.push({ draft, line, sequence: head.sequence, previousHash: previous.hash, hash: head.hash });
    state.head = head;
  }
}

async function holds(exchange: StoreConnection['exchange'], { chain, sequence, hash }: Head): Promise<boolean> {
  const text = 'select 1 from howdah.audit_event where chain = $1 and sequence = $2 and hash = $3';
  const [found] = await exchange([{ text, values: [chain, String(sequence), hash] }]);
  return found?.rows.length === 1;
}

interface Claim {
  readonly chain: string;
  readonly secret: string;
  readonly writer: WriterProcess;
}

/** Row security lets a session add to the one chain whose secret it has. */
export async function claimChain(
  exchange: StoreConnection['exchange'],
  { chain, secret, writer }: Claim,
): Promise<void> {
  const digest = createHash('sha256').update(secret).digest('hex');
  await exchange([
    { text: `select pg_catalog.set_config('howdah.chain_secret', $1, false)`, values: [secret] },
    {
      text: `insert into howdah.audit_chain (chain, secret_hash, writer) values ($1, $2, $3) on conflict (chain) do nothing`,
      values: [chain, `\\x${digest}`, JSON.stringify(writer)],
    },
    { text: 'select howdah.chain_seen()', values: [] },
  ]);
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
