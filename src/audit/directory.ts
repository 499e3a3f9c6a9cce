import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory } from '../core/sync-directory.ts';
import { errorCode } from './unavailable.ts';

/** `open`: written by its process. `recovering`: another process closes what this one left. `done`: nobody writes it any more. */
export type FileState = 'open' | 'recovering' | 'done';

export interface AuditFile {
  readonly name: string;
  readonly path: string;
  readonly chain: string;
  readonly pid: number;
  readonly state: FileState;
  /** The chain of the process that recovers it. */
  readonly recoveredBy: string | undefined;
  readonly changedMs: number;
  readonly size: number;
}

const CHAIN = String.raw`\d{8}T\d{9}Z-\d+-[0-9a-f]{8}`;
const NAME = new RegExp(String.raw`^(?<chain>${CHAIN})(?:\.open|\.recovering-(?<by>${CHAIN}))?\.jsonl$`);

/** A new name, later than every name in the directory even if the clock was set back. */
export function newChain(nowMs: number, files: readonly AuditFile[]): string {
  const newest = files.at(-1);
  const at = new Date(Math.max(nowMs, newest === undefined ? 0 : chainTime(newest.chain) + 1));
  return `${at.toISOString().replaceAll(/[-:.]/g, '')}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** When a chain was begun, in milliseconds since the epoch. */
export function chainTime(chain: string): number {
  return Date.parse(chain.replace(/^(....)(..)(..T..)(..)(..)(...Z).*$/, '$1-$2-$3:$4:$5.$6'));
}

export function openPath(directory: string, chain: string): string {
  return join(directory, `${chain}.open.jsonl`);
}

export function recoveringPath(directory: string, chain: string, by: string): string {
  return join(directory, `${chain}.recovering-${by}.jsonl`);
}

export function donePath(directory: string, chain: string): string {
  return join(directory, `${chain}.jsonl`);
}

/** Each start makes a file, and a start must not take longer with every one that was made before. */
const RECENT = 256;

/** The audit files of a directory, oldest first; none if there is no such directory. */
export function listAuditFiles(directory: string): Promise<AuditFile[]> {
  return list(directory, (names) => names);
}

/** The newest files, and all that are not done however old they are. */
export function listRecentFiles(directory: string): Promise<AuditFile[]> {
  return list(directory, (names) => names.filter((name, i) => i >= names.length - RECENT || !isDone(name)));
}

function isDone(name: string): boolean {
  return !/\.(open|recovering-[^.]*)\.jsonl$/.test(name);
}

async function list(
  directory: string,
  choose: (names: readonly string[]) => readonly string[],
  attempts = 10,
): Promise<AuditFile[]> {
  try {
    const names = (await readdir(directory)).filter(isAuditFileName).toSorted();
    const files = await Promise.all(choose(names).map((name) => describe(directory, name)));
    return files.filter((file) => file !== undefined);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    const missing = attempts === 0 || !(await directoryExists(directory));
    return missing ? [] : list(directory, choose, attempts - 1); // a file was renamed while it was looked at
  }
}

/** A name that has the form but no time in it, such as minute 99, was not made by us. */
function isAuditFileName(name: string): boolean {
  const chain = NAME.exec(name)?.groups?.['chain'];
  return chain !== undefined && !Number.isNaN(chainTime(chain));
}

async function describe(directory: string, name: string): Promise<AuditFile | undefined> {
  const match = NAME.exec(name);
  const chain = match?.groups?.['chain'];
  if (chain === undefined) return undefined;
  const recoveredBy = match?.groups?.['by'];
  const state = recoveredBy !== undefined ? 'recovering' : name.endsWith('.open.jsonl') ? 'open' : 'done';
  const path = join(directory, name);
  const { mtimeMs, size } = await stat(path);
  return { name, path, chain, pid: Number(chain.split('-')[1]), state, recoveredBy, changedMs: mtimeMs, size };
}

/** Reads a file under the name that it has now, since its writer may have renamed it after it was listed. */
export async function* underCurrentName<T>(
  file: AuditFile,
  read: (path: string) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* read(file.path);
  } catch (error) {
    const files = errorCode(error) === 'ENOENT' ? await listAuditFiles(dirname(file.path)) : [];
    const renamed = files.find(({ chain, path }) => chain === file.chain && path !== file.path);
    if (renamed === undefined) throw error;
    yield* read(renamed.path);
  }
}

export async function directoryExists(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).isDirectory();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the directory, for its owner alone, so that it outlasts a power failure. */
export async function makeDirectory(directory: string): Promise<void> {
  const path = resolve(directory);
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  for (let below = path; below.length >= made.length; below = dirname(below)) await syncDirectory(dirname(below));
}
