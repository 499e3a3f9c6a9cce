import { open } from 'node:fs/promises';
import { z } from 'zod';
import { Head } from './chain.ts';
import { chainTime, type AuditFile } from './directory.ts';
import { parseEvent } from './event.ts';
import { readLinesBackwards } from './lines.ts';
import { WriterProcess } from './writer-process.ts';

/** What the first event of a file has in `details`. */
export const OpenedDetails = WriterProcess.extend({
  version: z.string().describe('Of Howdah.'),
  node: z.string(),
  earlier: z.array(Head).describe('The newest events of earlier files, so that their truncation or deletion is found.'),
});
export type OpenedDetails = z.output<typeof OpenedDetails>;

const MAX_LINKED = 64;
/** The clock of a file system lags behind that of the process. */
const CLOCK_SLACK_MS = 1000;

/**
 * The heads that a new file must link to: of the newest file, and of all that were written to since that one linked to
 * the others. So the last event of every file is linked by the first file that is opened after it.
 */
export async function headsToLink(files: readonly AuditFile[]): Promise<Head[]> {
  const newest = await findNewest(files);
  if (newest === undefined) return [];
  const since = chainTime(newest.chain) - CLOCK_SLACK_MS;
  const changed = files.filter((file) => file === newest || file.changedMs >= since);
  const heads = await Promise.all(changed.slice(-MAX_LINKED).map(readHead));
  return heads.filter((head) => head !== undefined);
}

/** A process that was killed before its first event linked to nothing, so that its file does not count. */
async function findNewest(files: readonly AuditFile[]): Promise<AuditFile | undefined> {
  for (const file of files.toReversed()) if ((await readHead(file)) !== undefined) return file;
  return undefined;
}

/** The newest event of a file, made durable first if its writer may not have done that yet; nothing if it cannot be read. */
async function readHead({ path, state }: AuditFile): Promise<Head | undefined> {
  try {
    if (state !== 'done') await makeDurable(path);
    for await (const { bytes } of readLinesBackwards(path)) return Head.safeParse(parseEvent(bytes)).data;
    return undefined;
  } catch {
    return undefined; // `verifyAudit` reports what is wrong with it
  }
}

async function makeDurable(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
