/**
 * The conformance suite of the Model Context Protocol, against the product as it ships, and against the tools, prompts
 * and resources that the suite looks for, declared through the product's own catalogue, policy, audit log and listener.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveProduct, serveTestCatalogue, type Served } from './conformance/served.ts';
import { installSuite, runSuite, scoredScenarios, type SuiteRun } from './conformance/suite.ts';
import { newestCluster } from './postgres/each-major.ts';

const REVISIONS = ['2026-07-28', '2025-11-25'] as const;
const MINUTES_MS = 60_000;

/** Run with the requirements of 2026-07-28 and not scored. */
const ALSO_PASSED = ['http-header-validation', 'http-custom-header-server-validation'];

/** A client of 2025-11-25 over HTTP can be asked only within a session, and there are none. */
const NEEDS_SESSION = [
  'elicitation-sep1034-defaults',
  'elicitation-sep1330-enums',
  'tools-call-elicitation',
  'tools-call-sampling',
];

beforeAll(installSuite, 5 * MINUTES_MS);

function useServed(serve: (url: string) => Promise<Served>): () => Served {
  let served: Served | undefined;
  beforeAll(async () => {
    served = await serve(newestCluster().monitorUrl);
  });
  afterAll(() => served?.close());
  return () => {
    if (!served) throw new Error('Nothing is served before beforeAll.');
    return served;
  };
}

describe('the product as it ships', () => {
  const served = useServed(serveProduct);

  it.each(REVISIONS)(
    'conforms to %s but for what the suite looks for by name',
    async (revision) => {
      const baseline = join(import.meta.dirname, 'conformance', `baseline-${revision}.yml`);
      const run = await runSuite(served().url, '--requirements', revision, '--expected-failures', baseline);
      // the last lines name what is not in the baseline, and what need not be
      expect(run.exitCode === 0 ? [] : run.output.split('\n').slice(-40)).toEqual([]);
      expect(run.scenarios.length).toBeGreaterThan(30);
    },
    2 * MINUTES_MS,
  );
});

describe('the test catalogue', () => {
  const served = useServed(serveTestCatalogue);

  it(
    'passes every scored scenario of 2026-07-28, and those of headers',
    async () => {
      const run = await runSuite(served().url, '--requirements', '2026-07-28');
      const scored = await scoredScenarios('2026-07-28');
      expect(scored).toHaveLength(37);
      expect(failing(run, [...scored, ...ALSO_PASSED])).toEqual({});
      expect(run.exitCode).toBe(0);
      expect(unrecorded(run, served())).toEqual([]);
      expect(run.callIds.length).toBeGreaterThan(20);
    },
    2 * MINUTES_MS,
  );

  it.each([
    ['test_simple_text', 'OK'],
    ['test_error_handling', 'QUERY_FAILED'],
    ['test_input_required_result_elicitation', 'INPUT_REQUIRED'],
    ['test_input_required_result_elicitation', 'OK'],
    ['test_input_required_result_tampered_state', 'INVALID_INPUT'],
    ['test_missing_capability', 'UNSUPPORTED'],
    ['prompts/get', 'INPUT_REQUIRED'],
    ['resources/read/data', 'OK'],
    ['resources/read', 'NOT_FOUND'],
    ['subscriptions/listen', 'OK'],
  ])('has on record that the suite called %s and got %s', (operation, outcome) => {
    const ended = served()
      .events()
      .filter((event) => event.kind === 'ended' && event.operation === operation);
    expect(ended).toContainEqual(
      expect.objectContaining({ outcome, transport: 'http', principal_method: 'anonymous', persona: 'suite' }),
    );
  });

  it(
    'passes the scored scenarios of 2025-11-25 that need no session',
    async () => {
      const run = await runSuite(served().url, '--requirements', '2025-11-25');
      const scored = await scoredScenarios('2025-11-25');
      expect(scored).toHaveLength(30);
      expect(failing(run, scored)).toEqual(Object.fromEntries(NEEDS_SESSION.map((name) => [name, expect.anything()])));
      expect(unrecorded(run, served())).toEqual([]);
    },
    2 * MINUTES_MS,
  );
});

/** Calls that the suite had an answer of and the audit log has no end of. */
function unrecorded({ callIds }: SuiteRun, served: Served): readonly string[] {
  const ended = new Set(served.events().flatMap(({ kind, call_id }) => (kind === 'ended' ? [call_id] : [])));
  return callIds.filter((id) => !ended.has(id));
}

/** What went wrong in those scenarios, by name; one that did not run is among them. */
function failing({ scenarios }: SuiteRun, names: readonly string[]): Record<string, readonly string[]> {
  const ran = new Map(scenarios.map(({ name, failures }) => [name, failures]));
  const results = names.map((name) => [name, ran.get(name) ?? ['did not run']] as const);
  return Object.fromEntries(results.filter(([, failures]) => failures.length > 0));
}
