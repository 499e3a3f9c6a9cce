import type { Finding } from '../../contract/finding.ts';
import { SEVERITIES } from '../../tools/health/checkup.ts';
import type { ShownGroup } from '../check/checked.ts';
import { checkServer } from '../check/run-check.ts';
import type { LocalHowdah } from '../local-howdah.ts';

/** Findings of one kind on one server. */
export interface FleetFindings extends ShownGroup {
  readonly server: string;
}

/** What is wrong with a fleet, the most urgent first. */
export interface FindingsWatch {
  /** As of the last look. One that is older than a minute is followed by another, which the next reader sees. */
  now(): readonly FleetFindings[];
}

/** Each finding by itself, as a program reads it. */
export function listFindings(found: readonly FleetFindings[]): (Finding & { server: string; tool: string })[] {
  return found.flatMap(({ server, tool, findings }) => findings.map((finding) => ({ server, tool, ...finding })));
}

/** The claim says of which server it is. */
export function withServer(server: string, finding: Finding): Finding {
  return { ...finding, claim: `${server}: ${finding.claim}` };
}

const FRESH_MS = 60_000;

/** Looks at each server once before it resolves, the first one when it is `settled`, and then only when somebody asks. */
export async function watchFindings(
  howdah: LocalHowdah,
  servers: readonly string[],
  settled: Promise<void>,
): Promise<FindingsWatch> {
  let found = await findAll(howdah, servers, settled);
  let at = performance.now();
  return {
    now: () => {
      if (performance.now() - at > FRESH_MS) {
        at = performance.now();
        void findAll(howdah, servers, settled).then((later) => (found = later));
      }
      return found;
    },
  };
}

async function findAll(
  howdah: LocalHowdah,
  [first = '', ...others]: readonly string[],
  settled: Promise<void>,
): Promise<FleetFindings[]> {
  // two servers at a time: all at once would be more calls than a persona may have at the same time
  const looking = [settled.then(() => lookAt(howdah, [first])), lookAt(howdah, others)];
  const checkups = (await Promise.all(looking)).flat();
  const seen = new Set<string>();
  return SEVERITIES.flatMap((severity) =>
    checkups.flatMap(({ server, groups }) =>
      groups
        .filter((group) => group.severity === severity)
        .map((group) => ({ ...group, server, findings: group.findings.filter((finding) => isNew(finding, seen)) }))
        .filter(({ findings }) => findings.length > 0),
    ),
  );
}

async function lookAt(
  howdah: LocalHowdah,
  servers: readonly string[],
): Promise<{ server: string; groups: readonly ShownGroup[] }[]> {
  const checkups: { server: string; groups: readonly ShownGroup[] }[] = [];
  for (const server of servers) {
    const looked = await checkServer(howdah, { server, all: false }).catch(() => undefined);
    // of a server that is away just now nothing is known
    if (looked !== undefined) checkups.push({ server, groups: looked.checked.groups });
  }
  return checkups;
}

/** A standby has most of what its primary has, which comes first. */
function isNew({ claim, object }: Finding, seen: Set<string>): boolean {
  const key = JSON.stringify([claim, object]);
  const isKnown = seen.has(key);
  seen.add(key);
  return !isKnown;
}
