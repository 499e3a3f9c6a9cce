import { PlatformError } from '../core/errors.ts';
import { chainWriter } from './chain-writer.ts';
import { draftRecord, type AuditLog, type AuditRecord } from './event.ts';
import { groupCommit, type GroupCommitLimits } from './group-commit.ts';
import { recoverFiles } from './recovery.ts';
import { withinTime } from './time-limit.ts';
import { auditUnavailable } from './unavailable.ts';
import { canTakeEvents } from './writable.ts';

export interface AuditFileOptions {
  readonly directory: string;
  /** The version of Howdah, for the first event of a file. */
  readonly version: string;
  /** Told of what an operator should know though no caller may be refused for it. */
  readonly warn?: ((message: string, error: unknown) => void) | undefined;
  readonly limits?: Partial<GroupCommitLimits> | undefined;
}

const LIMITS: GroupCommitLimits = { timeLimitMs: 10_000, maxEvents: 10_000, maxCharacters: 33_554_432 };

/**
 * The audit log of this process: JSON lines in a file of its own, which is made at the first event.
 * Calls that other processes left unfinished when they were killed are closed as UNKNOWN before it resolves.
 */
export async function openAuditFile(options: AuditFileOptions): Promise<AuditLog> {
  const { directory, version, warn = () => undefined } = options;
  const limits = { ...LIMITS, ...options.limits };
  const writer = chainWriter({ directory, version, warn });
  const commit = groupCommit((drafts) => writer.write(drafts), limits);
  let closing: Promise<void> | undefined;

  function refuse(cause: unknown): never {
    throw auditUnavailable(directory, cause);
  }

  async function record(event: AuditRecord): Promise<void> {
    const draft = draftRecord(event);
    // rules that are in force must not stay off the record, however long the device fails
    await commit.add(draft, event.kind === 'configuration').catch(refuse);
  }

  async function closeAll(): Promise<void> {
    try {
      await commit.drain();
      await writer.seal();
    } finally {
      await writer.release();
    }
  }

  await recoverFiles(directory, { chain: () => writer.start(), record, warn });
  return {
    async record(event) {
      if (closing !== undefined) throw new PlatformError('UNAVAILABLE', 'The audit log is closed.');
      await record(event);
    },
    isWritable: () => canTakeEvents(directory),
    close: () => (closing ??= withinTime(limits.timeLimitMs, closeAll()).catch(refuse)),
  };
}
