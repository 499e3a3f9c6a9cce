import type { Problem } from '../config/problem.ts';
import type { Decision } from './policy.ts';

export interface RuleLists {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Deny beats allow, and what no rule allows is denied. `path` is where the lists stand, such as `personas.x.tools`. */
export function compileRules<Subject>(
  { allow, deny }: RuleLists,
  path: string,
  compile: (pattern: string) => (subject: Subject) => boolean,
): (subject: Subject) => Decision {
  const compileList = (patterns: readonly string[], list: string, allowed: boolean) =>
    patterns.map((pattern, i) => ({
      matches: compile(pattern),
      decision: { allowed, rule: `${path}.${list}[${i}] ${JSON.stringify(pattern)}` },
    }));
  const rules = [...compileList(deny, 'deny', false), ...compileList(allow, 'allow', true)];
  const otherwise = { allowed: false, rule: `no rule of ${path}.allow matches` };
  return (subject) => rules.find(({ matches }) => matches(subject))?.decision ?? otherwise;
}

/** The problems of every pattern, and of a denial of what is not allowed anyway. */
export function findRuleProblems(
  { allow, deny }: RuleLists,
  path: string,
  find: (pattern: string) => string | undefined,
): Problem[] {
  const problems = [...findListProblems(deny, `${path}.deny`, find), ...findListProblems(allow, `${path}.allow`, find)];
  if (deny.length > 0 && allow.length === 0) {
    problems.push({ path, message: 'denies but allows nothing; add what is allowed' });
  }
  return problems;
}

/** `find` says what is wrong with a pattern. */
export function findListProblems(
  patterns: readonly string[],
  path: string,
  find: (pattern: string) => string | undefined,
): Problem[] {
  return patterns.flatMap((pattern, i) => {
    const message = find(pattern);
    return message === undefined ? [] : [{ path: `${path}[${i}]`, message }];
  });
}
