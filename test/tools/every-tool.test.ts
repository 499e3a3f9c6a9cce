/** What holds for every tool: it answers whoever asks, wherever, and within its time. */
import { expect, it } from 'vitest';
import type { CallOutcome } from '../../src/calls/execute.ts';
import type { Major } from '../../src/postgres/version.ts';
import { tools } from '../../src/tools/all-tools.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, describeSomeMajors } from '../postgres/each-major.ts';
import {
  LOGINS,
  loginsOf,
  useHowdah,
  withSession,
  type Answer,
  type Howdah,
  type Login,
} from '../postgres/platform.ts';
import { inputFor, isAnswer, isUnsupported } from './tool-inputs.ts';

interface Fault {
  readonly tool: string;
  readonly what: unknown;
}

/** Calls every tool; the answer of each is held against what it declares, and a refusal against what the server has. */
async function faultsOf(howdah: Howdah, major: Major, login: Login, isStandby = false): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const { name, output } of tools) {
    const outcome = await howdah.attempt(name, inputFor(name));
    const asExpected = isAnswer(outcome) && outcome.ok !== isUnsupported(name, major, login);
    if (!asExpected) faults.push({ tool: name, what: outcome.ok ? 'answered' : outcome.error });
    if (isStandby) faults.push(...standbyFaults(name, outcome));
    if (!outcome.ok) continue;
    const declared = output.safeParse(outcome.output);
    if (!declared.success) faults.push({ tool: name, what: declared.error.issues.slice(0, 3) });
    faults.push(...findingFaults(name, outcome.output['findings']));
  }
  return faults;
}

const SOURCES = [
  /^https:\/\/www\.postgresql\.org\/docs\/current\/[a-z0-9-]+\.html(#[A-Za-z0-9-]+)?$/,
  /^https:\/\/www\.postgresql\.org\/support\/versioning\/$/,
  /^https:\/\/(www\.pgbouncer\.org|docs\.percona\.com)\/\S+$/,
];

/** One sentence with a full stop, and a reason that can be read up. */
function findingFaults(tool: string, findings: unknown = []): Fault[] {
  return (findings as { claim: string; severity: string; why?: string }[]).flatMap(({ claim, severity, why }) =>
    claim.endsWith('.') && (severity === 'ok' || why === undefined || SOURCES.some((source) => source.test(why)))
      ? []
      : [{ tool, what: { claim, why } }],
  );
}

/** A statement that a read-only server refuses; or a comment that is one. */
const REFUSED =
  /^(?:-- )?(?:ALTER (?!SYSTEM)|ANALYZE|CREATE|DROP|GRANT|REINDEX|REVOKE|UPDATE|VACUUM)(?:;$|.*[A-Z"].*;)/m;

/** What only the primary can do is advised for there. */
function standbyFaults(tool: string, outcome: CallOutcome): Fault[] {
  const { findings = [], not_examined = [] } = (outcome.ok ? outcome.output : {}) as Partial<Answer>;
  const advice = [
    ...findings.map(({ next_step }) => next_step),
    ...not_examined.map(({ remedy }) => remedy),
    outcome.ok ? undefined : outcome.error.hint,
  ];
  return advice.flatMap((step = '') => {
    const refused = step.search(REFUSED);
    return refused === -1 || step.slice(0, refused).includes('-- on the primary') ? [] : [{ tool, what: step }];
  });
}

describeEachMajor('every tool', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('answers %s', async (login) => {
    expect(await faultsOf(howdah(login), cluster.major, login)).toEqual([]);
  });
});

describeSomeMajors('every tool beside a lock', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('answers within two seconds while tables are locked by somebody who does not let go', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query(
        `lock table shop.customers, shop."Order", indexes.events, bloat.mostly_dead, partitions.measurements, pgboss.job in access exclusive mode`,
      );
      const slow: Record<string, number> = {};
      for (const { name } of tools.filter((tool) => tool.judges !== false && tool.reaches === 'server')) {
        const started = performance.now();
        const outcome = await howdah('monitor').attempt(name, inputFor(name));
        const tookMs = performance.now() - started;
        if (tookMs > 2000 || !isAnswer(outcome)) slow[name] = Math.round(tookMs);
      }
      expect(slow).toEqual({});
    });
  });
});

describeEachStandby('every tool on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('answers %s', async (login) => {
    await caughtUp(cluster);
    expect(await faultsOf(standby(login), cluster.major, login, true)).toEqual([]);
  });
});
