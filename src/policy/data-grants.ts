import type { Problem } from '../config/problem.ts';
import { canonicalPattern, isFault, parseDataPattern, type DataPattern, type PatternFault } from './data-pattern.ts';
import type { DataGrants, Decision } from './policy.ts';

interface Spec {
  readonly allow: readonly string[];
  readonly functions: readonly string[];
}

type Parsed = DataPattern | PatternFault;

/** What SQL of the persona may use beyond the rest. The patterns must have no problem. */
export function compileDataGrants({ allow, functions }: Spec, path: string): DataGrants {
  const relations = compileList(allow, `${path}.allow`);
  const routines = compileList(functions, `${path}.functions`);
  return {
    canonical: JSON.stringify(canonicalDataGrants({ allow, functions })),
    relations: relations.map(({ pattern }) => pattern),
    functions: routines.map(({ pattern }) => pattern),
    relation: (schema, name) => decide(relations, { schema, name }, `${path}.allow`),
    function: (schema, name) => decide(routines, { schema, name }, `${path}.functions`),
  };
}

interface Entry {
  readonly pattern: DataPattern;
  readonly decision: Decision;
}

function compileList(texts: readonly string[], path: string): Entry[] {
  return texts.flatMap((text, i) => {
    const pattern = parseDataPattern(text);
    const rule = `${path}[${i}] ${JSON.stringify(text)}`;
    return isFault(pattern) ? [] : [{ pattern, decision: { allowed: true, rule } }];
  });
}

function decide(
  entries: readonly Entry[],
  { schema, name }: { readonly schema: string; readonly name: string },
  path: string,
): Decision {
  const found = entries.find(({ pattern }) => pattern.schema.matches(schema) && pattern.table.matches(name));
  return found?.decision ?? { allowed: false, rule: `no rule of ${path} matches` };
}

/** `path` is where they stand, such as `personas.analyst.data`; `deny` is what the persona hides. */
export function findDataGrantProblems(
  { allow, functions, deny }: Spec & { readonly deny: readonly string[] },
  path: string,
): Problem[] {
  const denials = deny.map((text) => parseDataPattern(text));
  return [
    ...findProblems(allow, `${path}.allow`, (parsed) => findRelationProblem(parsed, denials)),
    ...findProblems(functions, `${path}.functions`, findFunctionProblem),
  ];
}

function findProblems(
  texts: readonly string[],
  path: string,
  find: (pattern: DataPattern) => string | undefined,
): Problem[] {
  const seen = new Map<string, string>();
  return texts.flatMap((text, i) => {
    const parsed = parseDataPattern(text);
    const message = isFault(parsed) ? parsed.problem : (find(parsed) ?? findTwin(parsed, seen));
    return message === undefined ? [] : [{ path: `${path}[${i}]`, message }];
  });
}

function findTwin(pattern: DataPattern, seen: Map<string, string>): string | undefined {
  const key = canonicalPattern(pattern);
  const twin = seen.get(key);
  seen.set(key, twin ?? pattern.text);
  return twin === undefined ? undefined : `names what ${JSON.stringify(twin)} names already; keep one`;
}

function findRelationProblem({ schema, table, column }: DataPattern, denials: readonly Parsed[]): string | undefined {
  if (column !== undefined) {
    return 'names a column, and a view or foreign table is opened as a whole; write schema.view';
  }
  if (schema.isGlob || table.isGlob) {
    return 'has *, and what opens hidden data is named one by one; write a line for each';
  }
  const denial = denials.find(
    (each) =>
      !isFault(each) && each.column === undefined && each.schema.matches(schema.name) && each.table.matches(table.name),
  );
  if (denial === undefined || isFault(denial)) return undefined;
  return `opens what deny hides by ${JSON.stringify(denial.text)}, and deny comes first; take one of them away`;
}

function findFunctionProblem({ schema, column, text }: DataPattern): string | undefined {
  if (column !== undefined) return 'has 3 parts; write schema.function, without arguments';
  if (schema.isGlob) {
    return `has * for the schema, and whoever may create a function in any would be trusted; write ${text.slice(text.indexOf('.') + 1)} with each schema`;
  }
  if (['pg_catalog', 'information_schema', 'pg_temp'].includes(schema.name)) {
    return `is about ${schema.name}, whose functions are allowed or refused for everybody; name functions of users`;
  }
  return undefined;
}

/** As they mean, for the version of the policy. */
export function canonicalDataGrants({ allow, functions }: Spec): unknown {
  return [allow, functions].map((texts) => texts.map(canonical).toSorted());
}

function canonical(text: string): string {
  const parsed = parseDataPattern(text);
  return isFault(parsed) ? text : canonicalPattern(parsed);
}
