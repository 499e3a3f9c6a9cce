import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readLines } from './lines.ts';
import type { SignedBody } from './signed-body.ts';

/** A line of the file that checkpoints are added to outside the store. */
const Line = z.strictObject({ body: z.string(), key_id: z.string(), signature: z.string() });

const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = constants;

/** Resolves when the checkpoints are on disk. The file is opened anew each time, so that it can be rotated. */
export async function appendCheckpoints(path: string, checkpoints: readonly SignedBody[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, O_APPEND | O_CREAT | O_DSYNC | O_WRONLY, 0o600);
  try {
    const lines = checkpoints.map(({ body, keyId, signature }) => JSON.stringify({ body, key_id: keyId, signature }));
    await file.appendFile(lines.map((line) => `${line}\n`).join(''));
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The checkpoints of a file, in its order; undefined for a line that is none. An unfinished last line is passed over. */
export async function* readCheckpoints(path: string): AsyncGenerator<SignedBody | undefined, void, undefined> {
  for await (const { bytes, terminated } of readLines(path)) {
    if (terminated) yield readLine(bytes);
  }
}

function readLine(bytes: Buffer): SignedBody | undefined {
  try {
    const { body, key_id: keyId, signature } = Line.parse(JSON.parse(bytes.toString()));
    return { body, keyId, signature };
  } catch {
    return undefined;
  }
}
