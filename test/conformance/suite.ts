import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installForeign, newerNode } from '../foreign-package.ts';

const HERE = import.meta.dirname;
const SUITE = '@modelcontextprotocol/conformance';

/** What became of a scenario. The suite counts one with warnings, but without a failure, as passed. */
export interface Scenario {
  readonly name: string;
  /** What failed, or that nothing was looked at. */
  readonly failures: readonly string[];
}

export interface SuiteRun {
  readonly exitCode: number;
  readonly scenarios: readonly Scenario[];
  readonly output: string;
  /** Of the answers that the suite kept. */
  readonly callIds: readonly string[];
}

/** Installs the suite from npm where it is missing, and a Node that runs it where ours is too old. */
export function installSuite(): void {
  installForeign(HERE);
}

/** Runs it against a server on a loopback address; `args` as in `conformance server --help`. */
export async function runSuite(url: string, ...args: readonly string[]): Promise<SuiteRun> {
  const results = mkdtempSync(join(tmpdir(), 'howdah-conformance-'));
  try {
    const command = [programOfSuite(), 'server', '--url', `${url}/mcp`, '--output-dir', results, ...args];
    const { exitCode, output } = await run(newerNode(HERE), command);
    const reports = readdirSync(results).map((directory) => readReport(results, directory));
    return { exitCode, output, scenarios: reports, callIds: reports.flatMap(({ callIds }) => callIds) };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/** The scenarios of a revision that count; the suite runs more. */
export async function scoredScenarios(revision: string): Promise<readonly string[]> {
  const { output } = await run(newerNode(HERE), [programOfSuite(), 'list', '--requirements', revision]);
  const [, servers = ''] = /Server scenarios[^\n]*\n(.*?)\n\n/s.exec(output) ?? [];
  return [...servers.matchAll(/- (\S+)/g)].map(([, name = '']) => name);
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** A directory is named `server-<scenario>-<time>`. */
function readReport(results: string, directory: string): Scenario & Pick<SuiteRun, 'callIds'> {
  const report = readFileSync(join(results, directory, 'checks.json'), 'utf8');
  const checks = JSON.parse(report) as readonly Check[];
  const those = (status: string) =>
    checks.filter((check) => check.status === status).map(({ id, errorMessage }) => `${id}: ${errorMessage ?? ''}`);
  const [, name = directory] = /^server-(.+)-\d{4}-\d{2}-\d{2}T/.exec(directory) ?? [];
  const isVacuous = checks.every(({ status }) => !['SUCCESS', 'WARNING', 'FAILURE'].includes(status));
  return {
    name,
    failures: isVacuous ? ['no check was made'] : those('FAILURE'),
    callIds: [...report.matchAll(/"howdah\/call_id": "([^"]+)"/g)].map(([, id = '']) => id),
  };
}

function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 2 ** 26, timeout: 300_000 }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ exitCode: Number(error?.code ?? 0), output });
    });
  });
}

function programOfSuite(): string {
  return join(HERE, 'node_modules', SUITE, 'dist', 'index.js');
}
