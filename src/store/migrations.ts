import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPackageRoot } from '../core/package-root.ts';

/** One step of the store's schema. What was released is never changed. */
export interface Migration {
  readonly version: number;
  /** Of its file, such as `0001-audit-log`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, in hexadecimal. */
  readonly digest: string;
}

/** In their order. Fails when numbers are missing or come twice. */
export async function readMigrations(directory = join(findPackageRoot(), 'migrations')): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).toSorted();
  const migrations = await Promise.all(files.map((file) => readMigration(directory, file)));
  for (const [i, { version, name }] of migrations.entries()) {
    if (version !== i + 1) throw new Error(`the migration ${name} should have the number ${i + 1}`);
  }
  return migrations;
}

async function readMigration(directory: string, file: string): Promise<Migration> {
  const text = await readFile(join(directory, file), 'utf8');
  return {
    version: Number(file.slice(0, 4)),
    name: file.slice(0, -'.sql'.length),
    text,
    digest: createHash('sha256').update(text).digest('hex'),
  };
}
