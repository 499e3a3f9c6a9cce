import type { Problem } from '../config/problem.ts';
import { nearest } from '../core/nearest.ts';
import { MASKS, type MaskName } from '../contract/persona.ts';
import { canonicalPattern, isFault, parseDataPattern, type DataPattern } from './data-pattern.ts';
import type { DataDecision, DataRules } from './policy.ts';

interface Spec {
  readonly deny: readonly string[];
  readonly mask: Readonly<Record<string, string>>;
}

interface Rule {
  readonly pattern: DataPattern;
  readonly decision: DataDecision;
}

const VISIBLE: DataDecision = { access: 'visible' };

/** Undefined where there is no rule, so that nobody pays for what they do not have. The patterns must have no problem. */
export function compileDataRules({ deny, mask }: Spec, path: string): DataRules | undefined {
  const denials = deny.map((text, i) =>
    ruleOf(text, { access: 'denied', rule: `${path}.deny[${i}] ${JSON.stringify(text)}` }),
  );
  const masks = Object.entries(mask).map(([text, name]) =>
    ruleOf(text, { access: 'masked', mask: name as MaskName, rule: `${path}.mask.${JSON.stringify(text)}` }),
  );
  const rules = [...denials, ...masks].flatMap((rule) => rule ?? []);
  if (rules.length === 0) return undefined;
  const wholly = rules.filter(({ pattern: { column } }) => column === undefined);
  const columns = rules.filter(({ pattern: { column } }) => column !== undefined);
  const relation: DataRules['relation'] = (schema, table) =>
    find(wholly, (pattern) => pattern.schema.matches(schema) && pattern.table.matches(table));
  return {
    canonical: JSON.stringify(canonicalDataRules({ deny, mask })),
    denied: denials.flatMap((rule) => rule?.pattern ?? []),
    masked: masks.flatMap((rule) => rule?.pattern ?? []),
    schema: (schema) =>
      find(wholly, (pattern) => pattern.table.name === '*' && pattern.table.isGlob && pattern.schema.matches(schema)),
    relation,
    column(schema, table, column) {
      const decision = relation(schema, table);
      if (decision.access !== 'visible') return decision;
      return find(
        columns,
        (pattern) =>
          pattern.schema.matches(schema) && pattern.table.matches(table) && pattern.column?.matches(column) === true,
      );
    },
  };
}

function find(among: readonly Rule[], matches: (pattern: DataPattern) => boolean): DataDecision {
  return among.find(({ pattern }) => matches(pattern))?.decision ?? VISIBLE;
}

function ruleOf(text: string, decision: DataDecision): Rule | undefined {
  const pattern = parseDataPattern(text);
  return isFault(pattern) ? undefined : { pattern, decision };
}

/** `path` is where the rules stand, such as `personas.analyst.data`. */
export function findDataProblems({ deny, mask }: Spec, path: string): Problem[] {
  const denials = deny.map((text) => parseDataPattern(text));
  return [
    ...denials.flatMap((parsed, i) => toProblems(findDenyProblem(parsed), `${path}.deny[${i}]`)),
    ...Object.entries(mask).flatMap(([text, name]) => {
      const where = `${path}.mask.${JSON.stringify(text)}`;
      return [
        ...toProblems(findMaskKeyProblem(parseDataPattern(text), denials), where),
        ...toProblems(findMaskProblem(name), where),
      ];
    }),
    ...findTwins(mask, path),
  ];
}

function toProblems(message: string | undefined, path: string): Problem[] {
  return message === undefined ? [] : [{ path, message }];
}

function findDenyProblem(parsed: ReturnType<typeof parseDataPattern>): string | undefined {
  if (isFault(parsed)) return parsed.problem;
  const { column, text } = parsed;
  if (column?.isGlob !== true || column.name !== '*') return undefined;
  return `hides every column; hide the table itself: ${text.slice(0, text.lastIndexOf('.'))}`;
}

function findMaskKeyProblem(
  parsed: ReturnType<typeof parseDataPattern>,
  denials: readonly ReturnType<typeof parseDataPattern>[],
): string | undefined {
  if (isFault(parsed)) return parsed.problem;
  const { schema, table, column } = parsed;
  if (column === undefined) return 'names no column; write schema.table.column, such as public.customers.email';
  if (schema.isGlob || table.isGlob || column.isGlob) {
    return 'has *, and a mask is for one column; write a line for each, or hide them under deny';
  }
  const denial = denials.find((each) => {
    if (isFault(each) || !each.schema.matches(schema.name) || !each.table.matches(table.name)) return false;
    return each.column === undefined || each.column.matches(column.name);
  });
  if (denial === undefined || isFault(denial)) return undefined;
  return `masks what deny hides already by ${JSON.stringify(denial.text)}; take one of them away`;
}

function findMaskProblem(name: string): string | undefined {
  if (MASKS.some((mask) => mask === name)) return undefined;
  const near = nearest(name, MASKS);
  const hint = near === undefined ? `the masks are ${MASKS.join(', ')}` : `did you mean ${near}?`;
  return `has no mask named ${JSON.stringify(name.slice(0, 40))}; ${hint}`;
}

/** One column in two spellings: it would be chance which mask counts. */
function findTwins(mask: Spec['mask'], path: string): Problem[] {
  const seen = new Map<string, string>();
  return Object.keys(mask).flatMap((text) => {
    const parsed = parseDataPattern(text);
    if (isFault(parsed)) return [];
    const key = canonicalPattern(parsed);
    const twin = seen.get(key);
    seen.set(key, twin ?? text);
    if (twin === undefined) return [];
    return [
      {
        path: `${path}.mask.${JSON.stringify(text)}`,
        message: `names the column of ${JSON.stringify(twin)} again; keep one`,
      },
    ];
  });
}

/** The rules as they mean, for the version of the policy. */
export function canonicalDataRules({ deny, mask }: Spec): unknown {
  return [
    deny.map(canonical).toSorted(),
    Object.entries(mask)
      .map(([text, name]) => [canonical(text), name])
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  ];
}

function canonical(text: string): string {
  const parsed = parseDataPattern(text);
  return isFault(parsed) ? text : canonicalPattern(parsed);
}
