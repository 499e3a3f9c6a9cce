import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectory } from '../core/sync-directory.ts';
import { makeDirectory } from './directory.ts';
import { readFirstLine } from './lines.ts';
import { errorCode } from './unavailable.ts';
import { hasEnded, WriterProcess } from './writer-process.ts';

/** What the first line of a spool says: whose events follow, and what is needed to add them to the store. */
export const SpoolHeader = z.strictObject({ chain: z.string(), secret: z.string(), writer: WriterProcess });
export type SpoolHeader = z.output<typeof SpoolHeader>;

/** Events that the store could not take, in a file of this machine until it can. */
export interface Spool {
  readonly path: string;
  /** Resolves when the lines are on disk. Rejects when the spool would become too large, and after a failure of the device. */
  append(lines: readonly string[]): Promise<void>;
  /** To be called when every line is in the store. */
  remove(): Promise<void>;
}

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants;
/** As in the audit files: elsewhere than on Linux a second turn makes a write durable. */
const SYNCED = process.platform === 'linux' ? O_DSYNC : 0;
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const NAME = /^spool-.*\.jsonl(\.taken-\d+)?$/;

/** Makes the spool of a chain. Its secret stands in it: only the owner may read the file. */
export async function createSpool(directory: string, header: SpoolHeader, maxBytes: number): Promise<Spool> {
  await makeDirectory(directory);
  const path = join(directory, `spool-${header.chain}-${randomBytes(3).toString('hex')}.jsonl`);
  const handle = await open(path, O_APPEND | O_CREAT | O_EXCL | O_WRONLY | SYNCED, 0o600);
  let length = 0;
  let failure: Error | undefined;

  async function write(text: string): Promise<void> {
    if (failure !== undefined) throw failure;
    const bytes = Buffer.from(text);
    if (length + bytes.length > maxBytes) throw new Error('The spool has reached audit.spool_limit');
    try {
      for (let from = 0; from < bytes.length;) from += (await handle.write(bytes, from)).bytesWritten;
      if (SYNCED === 0) await handle.datasync();
      length += bytes.length;
    } catch (error) {
      const isWhole = await handle.truncate(length).then(
        () => true,
        () => false,
      );
      // of a disk that was full it is known what it holds
      if (!isWhole || !FULL.has(errorCode(error) ?? '')) failure = error as Error;
      throw error;
    }
  }

  async function remove(): Promise<void> {
    await handle.close();
    await rm(path, { force: true });
  }

  try {
    await write(`${JSON.stringify(header)}\n`);
    await syncDirectory(directory);
  } catch (error) {
    await remove().catch(() => undefined);
    throw error;
  }
  return {
    path,
    append: (lines) => write(lines.map((line) => `${line}\n`).join('')),
    remove,
  };
}

/** Takes the spools of processes that are gone, each by one process: a rename has one winner. */
export async function takeAbandonedSpools(
  directory: string,
  warn: (message: string) => void,
): Promise<readonly { path: string; header: SpoolHeader }[]> {
  const names = await readdir(directory).catch(() => []);
  const taken: { path: string; header: SpoolHeader }[] = [];
  for (const name of names.filter((each) => NAME.test(each)).toSorted()) {
    const path = join(directory, name);
    const header = await readHeader(path);
    if (header === undefined) continue; // nothing was acknowledged before it
    if (header.writer.hostname !== hostname()) {
      warn(
        `${path} holds audit events of a process on ${header.writer.hostname}: only a start there adds them to the store`,
      );
    }
    if (!(await isFree(name, header))) continue;
    const mine = `${path.replace(/\.taken-\d+$/, '')}.taken-${process.pid}`;
    try {
      if (mine !== path) await rename(path, mine);
      taken.push({ path: mine, header });
    } catch {
      // another process was quicker
    }
  }
  return taken;
}

async function readHeader(path: string): Promise<SpoolHeader | undefined> {
  try {
    const line = await readFirstLine(path);
    return line && SpoolHeader.safeParse(JSON.parse(line.toString())).data;
  } catch {
    return undefined;
  }
}

/** Whoever took it may have ended as well. */
async function isFree(name: string, { writer }: SpoolHeader): Promise<boolean> {
  const [, taker] = /\.taken-(\d+)$/.exec(name) ?? [];
  if (taker === undefined) return hasEnded(writer);
  return hasEnded({ ...writer, pid: Number(taker), started: null });
}
