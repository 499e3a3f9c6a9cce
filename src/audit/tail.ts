import type { AuditEvent } from '../contract/audit-event.ts';
import { listAuditFiles, underCurrentName, type AuditFile } from './directory.ts';
import { parseEvent } from './event.ts';
import { readLines, readLinesBackwards } from './lines.ts';
import { nextPoll } from './poll.ts';

export interface TailOptions {
  /** How many of the newest events come first. */
  readonly lines: number;
  /** Whether to wait for more; `signal` ends that. */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly filter?: ((event: AuditEvent) => boolean) | undefined;
}

/** How far each chain was read, in bytes. */
type Positions = Map<string, number>;

/** The newest events of all files in the order of their time, and then what is added. It trusts what it reads: `verifyAudit` checks. */
export async function* tailAudit(directory: string, options: TailOptions): AsyncGenerator<AuditEvent, void, undefined> {
  const { follow = false, signal } = options;
  const positions: Positions = new Map();
  yield* await readNewest(directory, options, positions);
  if (!follow) return;
  while (await nextPoll(signal)) yield* await readAdded(directory, options, positions);
}

/** Every event of every file, one file after the other, in constant memory. */
export async function* readAllFiles(
  directory: string,
  filter: (event: AuditEvent) => boolean,
): AsyncGenerator<AuditEvent, void, undefined> {
  for (const file of await listAuditFiles(directory)) {
    for await (const { bytes, terminated } of underCurrentName(file, readLines)) {
      const event = terminated ? parseEvent(bytes) : undefined;
      if (event !== undefined && filter(event)) yield event;
    }
  }
}

async function readNewest(directory: string, options: TailOptions, positions: Positions): Promise<AuditEvent[]> {
  const files = await listAuditFiles(directory);
  let newest: AuditEvent[] = [];
  for (const file of files.toSorted((a, b) => b.changedMs - a.changedMs)) {
    const oldest = newest.length < options.lines ? undefined : newest[0];
    const needed = options.lines > 0 && (oldest === undefined || file.changedMs >= Date.parse(oldest.at));
    const events = await readEnd(file, { ...options, lines: needed ? options.lines : 0 }, positions);
    newest = [...newest, ...events].toSorted(byTime).slice(-options.lines);
  }
  return newest;
}

async function readEnd(file: AuditFile, { lines, filter }: TailOptions, positions: Positions): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const { bytes, end } of underCurrentName(file, readLinesBackwards)) {
    if (!positions.has(file.chain)) positions.set(file.chain, end);
    if (events.length >= lines) break;
    const event = parseEvent(bytes);
    if (event !== undefined && filter?.(event) !== false) events.push(event);
  }
  return events.toReversed();
}

async function readAdded(directory: string, { filter }: TailOptions, positions: Positions): Promise<AuditEvent[]> {
  const added: AuditEvent[] = [];
  for (const file of await listAuditFiles(directory)) {
    const from = positions.get(file.chain) ?? 0;
    if (file.size <= from) continue;
    for await (const { bytes, end, terminated } of underCurrentName(file, (path) => readLines(path, from))) {
      if (!terminated) break; // read again when it is whole
      positions.set(file.chain, end);
      const event = parseEvent(bytes);
      if (event !== undefined && filter?.(event) !== false) added.push(event);
    }
  }
  return added.toSorted(byTime);
}

/** Sorting is stable, so that events of one file keep their order within a millisecond. */
function byTime(a: AuditEvent, b: AuditEvent): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}
