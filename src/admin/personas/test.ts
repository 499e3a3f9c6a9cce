import { z } from 'zod';
import { PlatformError } from '../../core/errors.ts';
import { compileToolPattern, findToolPatternProblem } from '../../policy/tool-pattern.ts';
import { defineAdmin } from '../admin-operation.ts';
import { imagineCaller, imagineRoles, type ImaginedCaller } from './caller.ts';
import { invalid, parseExpectations, type Expectation, type Expected } from './expectations.ts';
import type { Surroundings } from './surroundings.ts';
import { callableOf, choosePersona, judge, type Asked } from './verdict.ts';

const LARGEST = 1024 * 1024;

const Mismatch = z.object({
  line: z.int().nullable(),
  as: z.string(),
  what: z.string(),
  expected: z.string(),
  is: z.string(),
  rule: z.string(),
});
type Mismatch = z.output<typeof Mismatch>;

export function personaTest(surroundings: Surroundings) {
  return defineAdmin({
    name: 'persona_test',
    area: 'persona',
    title: 'Test personas',
    description:
      'Holds the personas in force against what is expected of them, and names the rule behind every mismatch.',
    reaches: 'nothing',
    input: {
      source: z.string().max(4096).describe('Where the expectations come from, for people.'),
      text: z.string().max(LARGEST).describe('The expectations as YAML.'),
    },
    output: {
      ok: z.boolean(),
      checked: z.int().min(0).describe('Single verdicts that were held against what is expected.'),
      mismatches: z.array(Mismatch),
    },
    run: async ({ source, text }) => {
      const { expectations, lineOf } = await parseExpectations(text, source);
      const checks = expectations.map((expectation, i) => plan(expectation, ['expectations', i], surroundings));
      const problems = checks.flatMap((each) =>
        each.problems.map((message) => `line ${lineOf(each.path) ?? '?'}: ${message}`),
      );
      if (problems.length > 0) throw invalid([`${source} has problems:`, ...problems]);
      const results = checks.flatMap((each) => each.checks);
      const mismatches = results.flatMap(({ path, run }) => {
        const mismatch = run();
        return mismatch ? [{ line: lineOf(path) ?? null, ...mismatch }] : [];
      });
      return { ok: mismatches.length === 0, checked: results.length, mismatches };
    },
  });
}

type Path = readonly (string | number)[];

interface Check {
  readonly path: Path;
  /** What is not as expected. */
  readonly run: () => Omit<Mismatch, 'line'> | undefined;
}

interface Plan {
  readonly path: Path;
  readonly problems: readonly string[];
  readonly checks: readonly Check[];
}

/** What is to be looked at, with names that mean nothing found before anything is. */
function plan(expectation: Expectation, path: Path, surroundings: Surroundings): Plan {
  const problems: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      problems.push([error.message, error.hint].join(' '));
      return undefined;
    }
  };
  const { as } = expectation;
  const caller = attempt(() => (typeof as === 'string' ? imagineCaller(as, surroundings) : imagineRoles(as)));
  if (!caller) return { path, problems, checks: [] };
  const who = typeof as === 'string' ? as : as.join(', ');
  const checks = (['allow', 'deny'] as const).flatMap((verdict) =>
    expectation[verdict].flatMap(
      (expected, i) =>
        attempt(() => expand(expected, surroundings))?.map((asked): Check | undefined => {
          // what is not there is a problem of the file and no mismatch
          if (!attempt(() => judge(caller, asked, surroundings))) return undefined;
          const rule = typeof expected === 'string' ? undefined : expected.rule;
          return {
            path: [...path, verdict, i],
            run: () => compare(caller, { who, asked, verdict, rule }, surroundings),
          };
        }) ?? [],
    ),
  );
  return {
    path,
    problems,
    checks: [
      ...checkPersona(caller, { who, expectation, path }, surroundings),
      ...checks.filter((each) => each !== undefined),
    ],
  };
}

function checkPersona(
  caller: ImaginedCaller,
  { who, expectation, path }: { who: string; expectation: Expectation; path: Path },
  surroundings: Surroundings,
): Check[] {
  const { persona: expected } = expectation;
  if (expected === undefined) return [];
  const run = () => {
    const is = choosePersona(caller, surroundings.policy())?.persona.name ?? 'none';
    const rule = judge(caller, {}, surroundings).at(-1)?.rule ?? '';
    return is === expected ? undefined : { as: who, what: 'persona', expected, is, rule };
  };
  return [{ path: [...path, 'persona'], run }];
}

/** `class:schema` is every tool of that class. Fails with INVALID_INPUT for a pattern that no tool matches. */
function expand(expected: Expected, { catalog }: Surroundings): Asked[] {
  const { tool, server, database } = typeof expected === 'string' ? { tool: expected } : expected;
  if (tool === undefined && server === undefined) {
    throw new PlatformError('INVALID_INPUT', 'An expectation needs a tool or a server.');
  }
  if (tool === undefined || !/[*:]/.test(tool)) return [{ tool, server, database }];
  const { operations } = callableOf(catalog());
  const problem = findToolPatternProblem(tool, operations);
  const matches = problem === undefined ? compileToolPattern(tool) : () => false;
  const names = operations.filter((each) => !each.forward && matches(each)).map(({ name }) => name);
  // there may be none of a class so far
  if (names.length > 0 || (problem === undefined && tool.startsWith('class:')))
    return names.map((name) => ({ tool: name, server, database }));
  throw new PlatformError('INVALID_INPUT', `${JSON.stringify(tool)} ${problem ?? 'matches no tool'}.`);
}

interface Comparison {
  readonly who: string;
  readonly asked: Asked;
  readonly verdict: 'allow' | 'deny';
  readonly rule: string | undefined;
}

function compare(
  caller: ImaginedCaller,
  { who, asked, verdict, rule }: Comparison,
  surroundings: Surroundings,
): Omit<Mismatch, 'line'> | undefined {
  const last = judge(caller, asked, surroundings).at(-1);
  if (!last || (last.verdict === verdict && (rule === undefined || rule === last.rule))) return undefined;
  const place = [asked.server, asked.database].filter((part) => part !== undefined).join('/');
  const what = [asked.tool, place].filter((part) => part !== undefined && part !== '').join(' on ');
  const expected = rule === undefined ? verdict : `${verdict} by ${rule}`;
  return { as: who, what, expected, is: last.verdict, rule: last.rule };
}
