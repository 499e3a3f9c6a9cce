import { constants } from 'node:fs';
import { open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from '../core/sync-directory.ts';
import { emptyChain, sealEvent, type Draft, type Head } from './chain.ts';
import { donePath, openPath } from './directory.ts';
import { draftRecord } from './event.ts';

/** A file that this process writes. After a failure nothing may be written to it any more. */
export interface ChainFile {
  readonly chain: string;
  /** The newest event that is durable. */
  head(): Head;
  /** Resolves when the events are durable; on failure what was written of them is cut off again where that is possible. */
  append(drafts: readonly Draft[]): Promise<void>;
  /** Writes the last event. */
  seal(): Promise<void>;
  /** Gives the file up, whole or broken, and takes the mark of a living writer out of its name. */
  release(): Promise<void>;
}

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants;
/**
 * Linux makes each write to such a file durable as fdatasync would, without a second turn for it: open(2). Elsewhere that
 * is not promised of the device's own cache.
 */
const SYNCED = process.platform === 'linux' ? O_DSYNC : 0;

/** Makes the file of a chain with its first events; leaves nothing behind on failure. */
export async function createChainFile(directory: string, chain: string, drafts: readonly Draft[]): Promise<ChainFile> {
  const path = openPath(directory, chain);
  const handle = await open(path, O_APPEND | O_CREAT | O_EXCL | O_WRONLY | SYNCED, 0o600);
  try {
    const { dev, ino } = await handle.stat();
    const file = chainFile({ handle, path, dev, ino }, directory, chain);
    await file.append(drafts);
    await syncDirectory(directory);
    return file;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** A file that is open, and which one it is on its device. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

function chainFile(open: OpenFile, directory: string, chain: string): ChainFile {
  const { handle } = open;
  let head = emptyChain(chain);
  let length = 0;

  const file: ChainFile = {
    chain,
    head: () => head,
    async append(drafts) {
      const { text, last } = sealAll(drafts, head);
      const bytes = Buffer.from(text);
      let end = length;
      try {
        // write(2) may take less than it is given, as it does when the device fills up.
        while (end < length + bytes.length) end += await writeSome(handle, bytes.subarray(end - length));
        // After a failed fsync a second one reports success for pages that were lost, so that none is tried.
        if (SYNCED === 0) await handle.datasync();
        await checkFile(open, end);
      } catch (error) {
        await cutBack(handle, length, end).catch(() => undefined);
        await handle.close().catch(() => undefined);
        throw error;
      }
      head = last;
      length = end;
    },
    seal: () => file.append([draftRecord({ kind: 'closed', details: { events: head.sequence + 1 } })]),
    async release() {
      await handle.close().catch(() => undefined); // after a failure it is closed already
      await rename(open.path, donePath(directory, chain));
    },
  };
  return file;
}

function sealAll(drafts: readonly Draft[], head: Head): { text: string; last: Head } {
  let last = head;
  let text = '';
  for (const draft of drafts) {
    const sealed = sealEvent(draft, last);
    text += `${sealed.line}\n`;
    last = sealed.head;
  }
  return { text, last };
}

async function writeSome(handle: FileHandle, bytes: Buffer): Promise<number> {
  const { bytesWritten } = await handle.write(bytes);
  if (bytesWritten === 0) throw new Error('The device takes no bytes');
  return bytesWritten;
}

/** Finds a file that was deleted, renamed, replaced, truncated or written to by someone else. */
async function checkFile({ path, dev, ino }: OpenFile, expectedLength: number): Promise<void> {
  const named = await stat(path);
  if (named.ino !== ino || named.dev !== dev) throw new Error('The file was replaced by another');
  if (named.size !== expectedLength) throw new Error('The file was changed by another program');
}

/** A file that is not as long as our own writing made it is evidence, and left as it is. */
async function cutBack(handle: FileHandle, length: number, end: number): Promise<void> {
  const { size } = await handle.stat();
  if (size === end) await handle.truncate(length);
}
