import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '../core/errors.ts';
import type { Store } from '../store/open-store.ts';
import type { Draft } from './chain.ts';
import { draftRecord, type AuditLog, type AuditRecord } from './event.ts';
import { groupCommit, type GroupCommitLimits } from './group-commit.ts';
import { makePartitions } from './partitions.ts';
import { openReplay } from './replay.ts';
import { isAboutTheEvent } from './refused-event.ts';
import { createSpool, takeAbandonedSpools, type Spool, type SpoolHeader } from './spool.ts';
import { attachStatement, sealStatement, statementOf } from './statement.ts';
import { lineOf } from './statement-rows.ts';
import { statementDigest } from './store-statements.ts';
import { createStoreWriter } from './store-writer.ts';
import { withinTime } from './time-limit.ts';
import { thisProcess } from './writer-process.ts';

export interface AuditStoreOptions {
  readonly store: Pick<Store, 'connect' | 'exchange' | 'keys'>;
  /** Of Howdah, for the first event of a chain. */
  readonly version: string;
  readonly onUnavailable: 'refuse' | 'spool';
  /** Where the spool is made when it is needed. */
  readonly directory: string;
  readonly spoolLimitBytes: number;
  /** Told of what an operator should know though no caller may be refused for it. */
  readonly warn: (message: string, error?: unknown) => void;
  readonly limits?: Partial<GroupCommitLimits>;
  /** Hears of events that the store has taken. */
  readonly onWritten?: ((events: number) => void) | undefined;
}

const LIMITS: GroupCommitLimits = { timeLimitMs: 12_000, maxEvents: 10_000, maxCharacters: 33_554_432 };
const PING_MS = 5000;
const RETRY_MS = 1000;
/** Finding the store away takes ten seconds at most; the spool is written then. */
const CLOSE_MS = 15_000;
/** What is left to replay while calls wait, at most. */
const LAST_STEP = 500;

/**
 * The audit log in the store. An event is durable when the store has acknowledged it, or, with `spool` and while the
 * store is away, when it is on this machine's disk; what was spooled is added to the store in order, and once.
 */
export async function openAuditStore(options: AuditStoreOptions): Promise<AuditLog> {
  const { store, version, warn } = options;
  const writerProcess = await thisProcess();
  const directory = join(options.directory, 'spool');
  const writer = createStoreWriter({ store, writer: writerProcess, version, warn: (message) => warn(message) });
  /** What has its place in the chain, and whose callers may have been refused. */
  const sealed = new Set<Draft>();
  let doubtful = false;
  let writing = false;
  let isReplayInTrouble = false;
  let spool: Spool | undefined;
  let lock: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One at a time touches the writer and the spool. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = lock.then(work);
    lock = turn.catch(() => undefined);
    return turn;
  }

  /**
   * What a failed write has left may be in the store already. It goes alone, so that it stays what it was, and nothing is
   * added to it while the store is away.
   */
  async function write(drafts: readonly Draft[]): Promise<void> {
    writing = true;
    try {
      if (doubtful) await put();
      writer.seal(drafts.filter((draft) => !sealed.has(draft)));
      for (const draft of drafts) sealed.add(draft);
      doubtful = true;
      await put();
      doubtful = false;
      sealed.clear();
    } finally {
      writing = false;
    }
  }

  async function put(): Promise<void> {
    if (spool !== undefined) return putInSpool(spool);
    try {
      const events = writer.pending().length;
      await writer.flush();
      options.onWritten?.(events);
    } catch (error) {
      if (options.onUnavailable === 'refuse' || isAboutTheEvent(error)) throw error;
      const made = await createSpool(directory, header(), options.spoolLimitBytes);
      warn('the store is away: audit events are kept on this machine until it is back', error);
      spool = made;
      await putInSpool(made);
    }
  }

  async function putInSpool(to: Spool): Promise<void> {
    const lines = writer.pending().flatMap(({ draft, line }) => {
      const statement = statementOf(draft);
      // before its event: what is torn off at the end was never acknowledged
      return statement === undefined ? [line] : [lineOf(statement), line];
    });
    await to.append(lines);
    writer.spooled();
  }

  function header(): SpoolHeader {
    return { chain: writer.chain(), secret: writer.secret(), writer: writerProcess };
  }

  async function replay(from: Spool): Promise<void> {
    const replaying = openReplay(store, from.path, header());
    try {
      while ((await replaying.step()) > LAST_STEP);
      await alone(async () => {
        await replaying.step();
        writer.replayed();
        spool = undefined;
        await from.remove();
      });
      isReplayInTrouble = false;
      warn('the store is back, and has all audit events that were kept on this machine');
    } catch (error) {
      // once: it is tried again every second
      if (!isAway(error) && !isReplayInTrouble)
        warn('the audit events of this machine cannot be added to the store', error);
      isReplayInTrouble ||= !isAway(error);
    } finally {
      await replaying.close();
    }
  }

  const commit = groupCommit((drafts) => alone(() => write(drafts)), { ...LIMITS, ...options.limits });

  async function record(event: AuditRecord): Promise<void> {
    const refuseWhileAway = () => {
      if (spool !== undefined && changesHowdah(event)) throw auditAway(new Error('the store is away'));
    };
    refuseWhileAway();
    const draft = draftWithStatement(store.keys, event);
    await commit.add(draft, event.kind === 'configuration').catch((error: unknown) => {
      throw auditAway(error);
    });
    refuseWhileAway(); // it may have been the one that found the store away
  }

  async function closeAll(): Promise<void> {
    timers.forEach(clearInterval);
    await commit.drain();
    await alone(() => write([draftRecord({ kind: 'closed' })]));
    if (spool === undefined) await writer.end();
  }

  await makePartitions(store);
  await replayAbandoned(store, directory, warn);
  let replaying: Promise<void> | undefined;
  const timers = [
    // no other session may be opened while a write is under way: it could begin another chain
    setInterval(() => void (spool === undefined && !writing && writer.ping().catch(() => undefined)), PING_MS),
    setInterval(() => {
      if (spool === undefined) return;
      replaying ??= replay(spool).finally(() => (replaying = undefined));
    }, RETRY_MS),
  ];
  for (const timer of timers) timer.unref();

  return {
    async record(event) {
      if (closing !== undefined) throw new PlatformError('UNAVAILABLE', 'The audit log is closed.');
      await record(event);
    },
    isWritable: async () => {
      if (spool !== undefined) return true;
      // says that the writer is alive, which only a store that can be written takes
      return (writing ? store.exchange([]) : writer.ping()).then(
        () => true,
        () => false,
      );
    },
    close: () =>
      (closing ??= withinTime(CLOSE_MS, closeAll()).catch((error: unknown) => {
        throw auditAway(error);
      })),
  };
}

/** The statement is sealed now; the event has the digest of it. */
function draftWithStatement(keys: Store['keys'], event: AuditRecord): Draft {
  const { exact, call_id: callId } = event;
  if (exact === undefined || callId === undefined || callId === null || event.kind !== 'ended')
    return draftRecord(event);
  const { keyId, bytes: sealed } = sealStatement(keys, callId, exact);
  const at = event.at ?? new Date().toISOString();
  const details = { ...(event.details as object | null | undefined), statement_digest: statementDigest(sealed) };
  const draft = draftRecord({ ...event, at, details });
  attachStatement(draft, { callId, at, keyId, sealed });
  return draft;
}

/** Spools of processes that ended before the store was back. */
async function replayAbandoned(
  store: Pick<Store, 'connect'>,
  directory: string,
  warn: AuditStoreOptions['warn'],
): Promise<void> {
  for (const { path, header } of await takeAbandonedSpools(directory, warn)) {
    const replaying = openReplay(store, path, header);
    try {
      const count = await replaying.step();
      await rm(path); // its chain is ended like that of any writer that is gone, after the calls that it left open
      warn(`${count} audit events that an ended process had kept on this machine are in the store now`);
    } catch (error) {
      warn(`the audit events in ${path} could not be added to the store; the next start tries again`, error);
    } finally {
      await replaying.close();
    }
  }
}

/** What changes Howdah itself must be where every replica sees it before it is done. */
function changesHowdah({ kind, access_class: accessClass }: AuditRecord): boolean {
  return kind === 'begun' && accessClass === 'admin';
}

function isAway(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'UNAVAILABLE';
}

function auditAway(cause: unknown): PlatformError {
  return new PlatformError('UNAVAILABLE', 'The audit log cannot be written.', {
    hint: 'No call is answered until the store is back; no restart is needed then. The log of Howdah says what is wrong.',
    cause,
  });
}
