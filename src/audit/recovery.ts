import { rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { AuditEvent } from '../contract/audit-event.ts';
import { donePath, listAuditFiles, listRecentFiles, recoveringPath, type AuditFile } from './directory.ts';
import { OpenedDetails } from './earlier.ts';
import { parseEvent, type AuditRecord } from './event.ts';
import { readFirstLine, readLines } from './lines.ts';
import { errorCode } from './unavailable.ts';
import { hasEnded, type WriterProcess } from './writer-process.ts';

const CallColumns = AuditEvent.omit({
  id: true,
  at: true,
  kind: true,
  outcome: true,
  details: true,
  chain: true,
  sequence: true,
  previous_hash: true,
  hash: true,
}).strip();

/** The end of a call that nobody saw the end of. */
export function unknownEnd(begun: AuditEvent): AuditRecord {
  const details = { recovered_from: begun.chain };
  return { ...CallColumns.parse(begun), kind: 'ended', outcome: 'UNKNOWN', details };
}

export interface Recoverer {
  /** The chain that the ends of calls are recorded in, begun if need be. */
  chain(): Promise<string>;
  record(record: AuditRecord): Promise<void>;
  warn(message: string, error: unknown): void;
}

/** Closes what dead processes left. A file that cannot be recovered now is left for the next start. */
export async function recoverFiles(directory: string, recoverer: Recoverer): Promise<void> {
  const files = await listRecentFiles(directory).catch((error: unknown) => {
    recoverer.warn(`The audit files in ${directory} could not be read.`, error);
    return [];
  });
  for (const file of files) {
    try {
      if (!(await isAbandoned(file, files))) continue;
      await recoverFile(file, await findUnfinished(file, await listAuditFiles(directory)), recoverer);
    } catch (error) {
      // Of several processes that start at once, one has its rename succeed; the others find the file gone.
      if (errorCode(error) !== 'ENOENT') recoverer.warn(`The audit file ${file.name} could not be recovered.`, error);
    }
  }
}

/** Nothing is cut off the file: it is evidence. Its name says at every moment whose turn it is. */
async function recoverFile(file: AuditFile, unfinished: readonly AuditEvent[], recoverer: Recoverer): Promise<void> {
  const directory = dirname(file.path);
  let { path } = file;
  if (unfinished.length > 0) {
    const claimed = recoveringPath(directory, file.chain, await recoverer.chain());
    await rename(path, claimed);
    path = claimed;
    await Promise.all(unfinished.map((begun) => recoverer.record(unknownEnd(begun))));
  }
  await rename(path, donePath(directory, file.chain));
}

/**
 * Whether nobody writes a file any more though it was not closed. One under recovery belongs to the writer of the chain
 * that its name has: while that one lives, nobody else may have it.
 */
export async function isAbandoned(file: AuditFile, files: readonly AuditFile[]): Promise<boolean> {
  if (file.state === 'done') return false;
  const chain = file.recoveredBy ?? file.chain;
  const owned = files.find((other) => other.chain === chain && other.state === 'open');
  return owned === undefined || hasEnded(await readWriter(owned));
}

/**
 * The `begun` events of calls of an abandoned file that have no `ended` event. That one may stand in a later file, if this
 * one was given up after a failure, or if an earlier recovery was interrupted.
 */
async function findUnfinished(file: AuditFile, files: readonly AuditFile[]): Promise<AuditEvent[]> {
  const calls = new Map<string | null, AuditEvent>();
  for await (const event of readCalls(file)) {
    if (event.kind === 'begun') calls.set(event.call_id, event);
    if (event.kind === 'ended') calls.delete(event.call_id);
  }
  const later = files.filter(({ chain, changedMs }) => chain !== file.chain && changedMs >= file.changedMs);
  for (const other of later) {
    if (calls.size > 0) await removeEnded(other, calls);
  }
  return [...calls.values()];
}

async function removeEnded(file: AuditFile, calls: Map<string | null, AuditEvent>): Promise<void> {
  try {
    for await (const event of readCalls(file)) if (event.kind === 'ended') calls.delete(event.call_id);
  } catch {
    // What cannot be read has no end that anybody could find.
  }
}

/** A file without a readable first event has the number of its process in its name. */
async function readWriter({ path, pid }: AuditFile): Promise<WriterProcess> {
  const unread = { pid, hostname: hostname(), started: null };
  try {
    const first = await readFirstLine(path);
    const opened = first === undefined ? undefined : parseEvent(first);
    return OpenedDetails.safeParse(opened?.details).data ?? unread;
  } catch {
    return unread;
  }
}

/** Only lines that can be of the kinds in question are parsed; what is not an event is for `verifyAudit` to report. */
async function* readCalls(file: AuditFile): AsyncGenerator<AuditEvent, void, undefined> {
  for await (const { bytes, terminated } of readLines(file.path)) {
    if (!terminated || !(bytes.includes('"kind":"begun"') || bytes.includes('"kind":"ended"'))) continue;
    const event = parseEvent(bytes);
    if (event !== undefined) yield event;
  }
}
