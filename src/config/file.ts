import { open } from 'node:fs/promises';
import { createConfigError } from './problem.ts';

const LARGEST_BYTES = 1024 * 1024;

export interface ConfigFile {
  readonly text: string;
  /** Whether every user of the machine may read it; never true on Windows, whose mode bits say nothing. */
  readonly readableByAll: boolean;
  /** Whether every user of the machine may change it; never true on Windows. */
  readonly writableByAll: boolean;
}

/** Reads at most 1 MiB of UTF-8; a pipe is fine. Fails with CONFIG_INVALID. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const refuse = (message: string) => createConfigError(path, [{ path: '', message }]);
  const { bytes, mode } = await readBytes(path).catch((error: unknown) => {
    throw refuse(describeReadError(error));
  });
  if (bytes.length > LARGEST_BYTES) throw refuse('is larger than 1 MiB; is it the right file?');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const grants = (bit: number) => process.platform !== 'win32' && (mode & bit) !== 0;
    return { text, readableByAll: grants(0o004), writableByAll: grants(0o002) };
  } catch {
    throw refuse('is not UTF-8; save it as such');
  }
}

/** One byte more than may be there, to see that there is more. */
async function readBytes(path: string): Promise<{ bytes: Buffer; mode: number }> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    const chunks: Buffer[] = [];
    for await (const chunk of file.createReadStream({ end: LARGEST_BYTES, autoClose: false })) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), mode };
  } finally {
    await file.close();
  }
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; give the path of a file',
  EACCES: 'may not be read by this user; change its owner or mode',
  EISDIR: 'is a directory; give the path of a file',
};

function describeReadError(error: unknown): string {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown reason';
  return READ_ERRORS[code] ?? `cannot be read (${code})`;
}
