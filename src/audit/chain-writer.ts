import type { Draft } from './chain.ts';
import { createChainFile, type ChainFile } from './chain-file.ts';
import { listRecentFiles, makeDirectory, newChain } from './directory.ts';
import { headsToLink, type OpenedDetails } from './earlier.ts';
import { draftRecord } from './event.ts';
import { thisProcess } from './writer-process.ts';

/** Writes to one file after another: when one fails, the next events go to a new one that links to what was durable. */
export interface ChainWriter {
  /** Resolves when the events are durable. One write at a time. */
  write(drafts: readonly Draft[]): Promise<void>;
  /** Makes the file if there is none yet, and gives its chain. */
  start(): Promise<string>;
  /** Writes the last event, if there is a file. */
  seal(): Promise<void>;
  /** Lets go of all files. A name that cannot be changed now is changed by the next process that starts. */
  release(): Promise<void>;
}

export interface ChainWriterOptions {
  readonly directory: string;
  readonly version: string;
  readonly warn: (message: string, error: unknown) => void;
}

export function chainWriter({ directory, version, warn }: ChainWriterOptions): ChainWriter {
  let file: ChainFile | undefined;
  const givenUp: ChainFile[] = [];

  async function open(drafts: readonly Draft[]): Promise<ChainFile> {
    await makeDirectory(directory);
    // The name has the time before anything is read, so that what is written to from then on is linked by the next file.
    const nowMs = Date.now();
    const files = await listRecentFiles(directory);
    // What a file that failed has on disk is not what was durable: its head is the one in memory.
    const failed = givenUp.at(-1)?.head();
    const others = await headsToLink(files.filter(({ chain }) => chain !== failed?.chain));
    const earlier = failed === undefined ? others : [failed, ...others];
    const details: OpenedDetails = { ...(await thisProcess()), version, node: process.version, earlier };
    return createChainFile(directory, newChain(nowMs, files), [draftRecord({ kind: 'opened', details }), ...drafts]);
  }

  async function attempt(write: (file: ChainFile) => Promise<void>): Promise<void> {
    if (file === undefined) return;
    try {
      await write(file);
    } catch (error) {
      warn(`The audit file ${file.chain} was given up; the next event begins another.`, error);
      givenUp.push(file);
      file = undefined;
      throw error;
    }
  }

  return {
    async write(drafts) {
      if (file === undefined) file = await open(drafts);
      else await attempt((current) => current.append(drafts));
    },
    async start() {
      file ??= await open([]);
      return file.chain;
    },
    seal: () => attempt((current) => current.seal()),
    async release() {
      const held = file === undefined ? givenUp : [...givenUp, file];
      await Promise.allSettled(held.map((each) => each.release()));
    },
  };
}
