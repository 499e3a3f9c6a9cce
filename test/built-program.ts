import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The file that `node` runs as `howdah`. */
    program: string;
  }
}

const ROOT = join(import.meta.dirname, '..');

/** Vitest's global setup: builds the program once, as users have it, since it starts many times; what it returns removes it. */
export default async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(ROOT, '.test-build-')); // at the depth of dist/, below package.json
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build.js'), directory]);
    project.provide('program', join(directory, 'main.js'));
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}

/** What `node` is given to run the command line `howdah` with these arguments. */
export function howdahCommand(...args: readonly string[]): string[] {
  return [inject('program'), ...args];
}
