import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseError } from 'pg';
import type { StoreConnection } from '../store/connection.ts';
import type { Store } from '../store/open-store.ts';
import { emptyChain, sealEvent, type Draft, type Head } from './chain.ts';
import { newChain } from './directory.ts';
import type { OpenedDetails } from './earlier.ts';
import { draftRecord } from './event.ts';
import { inPlaceOf, isAboutTheEvent } from './refused-event.ts';
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
  /**
   * Resolves when all that is pending is in the store. What may be there already is not written twice; what the store
   * would refuse for ever is recorded without its content.
   */
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
  /** The newest event that is in a spool. */
  spooled: Head;
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
    const begun: ChainState = { chain, secret: newSecret(), durable: empty, spooled: empty, head: empty, pending: [] };
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

  /** The oldest first, so that what is doubtful after a failure is always a beginning of what is pending. */
  async function flush(): Promise<void> {
    for (let size = MAX_BATCH; ;) {
      await connection.ready(); // whereby the chain may become another one
      const current = state;
      const batch = takeBatch(current.pending, size);
      try {
        if (batch.length > 0) {
          const statements = batch.map(({ draft }) => statementOf(draft));
          await connection.exchange([insertStep(current.chain, batch), ...insertStatements(statements)]);
        }
      } catch (error) {
        // the session was lost just now, and the one that was opened in its place found another store
        if (state !== current) continue;
        if (!isAboutTheEvent(error)) throw error;
        if (batch.length === 1) giveUpFirst(current, error);
        size = Math.ceil(batch.length / 2);
        continue;
      }
      if (state !== current) continue;
      const newest = batch.at(-1);
      if (newest !== undefined) current.durable = headOf(current.chain, newest);
      current.pending = current.pending.slice(batch.length);
      if (current.pending.length === 0) return;
      size = Math.min(MAX_BATCH, size * 2);
    }
  }

  /** An event that was refused alone was never written, nor was any behind it: they can have other hashes. */
  function giveUpFirst(current: ChainState, error: DatabaseError): void {
    const [refused, ...behind] = current.pending;
    const draft = refused && inPlaceOf(refused, error.code);
    if (refused === undefined || draft === undefined) throw error;
    current.head = { chain: current.chain, sequence: refused.sequence - 1, hash: refused.previousHash };
    current.pending = [];
    sealInto(current, [draft, ...behind.map((event) => event.draft)]);
    warn(`the store refuses an audit event (SQLSTATE ${error.code}): it is recorded without what the caller sent`);
  }

  return {
    chain: () => state.chain,
    secret: () => state.secret,
    seal: (drafts) => sealInto(state, drafts),
    pending: () => state.pending,
    flush,
    spooled() {
      const newest = state.pending.at(-1);
      if (newest !== undefined) state.spooled = headOf(state.chain, newest);
      state.pending = [];
    },
    replayed() {
      if (state.spooled.sequence > state.durable.sequence) state.durable = state.spooled;
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

/** At most so many from the beginning, and no more than one whose statements are long. */
function takeBatch(events: readonly SealedEvent[], most: number): SealedEvent[] {
  let bytes = 0;
  const end = events.slice(0, most).findIndex(({ draft }, i) => {
    bytes += statementOf(draft)?.sealed.length ?? 0;
    return i > 0 && bytes > MAX_BATCH_BYTES;
  });
  return events.slice(0, end === -1 ? most : end);
}

function sealInto(state: ChainState, drafts: readonly Draft[]): void {
  for (const draft of drafts) {
    const previous = state.head;
    const { line, head } = sealEvent(draft, previous);
    state.pending.push({ draft, line, sequence: head.sequence, previousHash: previous.hash, hash: head.hash });
    state.head = head;
  }
}

function headOf(chain: string, { sequence, hash }: SealedEvent): Head {
  return { chain, sequence, hash };
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
