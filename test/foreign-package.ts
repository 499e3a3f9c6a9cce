/** Programs of others that tests run and the product does not know: each set is an npm package of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the most demanding of them needs; ours may be older. */
const LOWEST_NODE = [22, 19] as const;

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Installs what `package-lock.json` in the directory says, where it is missing. For one test file only: two would collide. */
export function installForeign(directory: string): void {
  if (isInstalled(directory)) return;
  execFileSync(
    'npm',
    ['ci', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      stdio: 'inherit',
    },
  );
  if (isInstalled(directory)) return;
  throw new Error(`It takes Node ${LOWEST_NODE.join('.')}, and npm has none for this platform: run the tests with it.`);
}

/** The Node that runs the programs of the directory: our own if it is new enough. */
export function newerNode(directory: string): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1])) return process.execPath;
  return join(directory, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
}

function isInstalled(directory: string): boolean {
  const { dependencies } = read(join(directory, 'package.json'));
  return (
    existsSync(newerNode(directory)) &&
    Object.entries(dependencies).every(([name, version]) => {
      const manifest = join(directory, 'node_modules', name, 'package.json');
      return existsSync(manifest) && read(manifest).version === version;
    })
  );
}

function read(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
