import type { Problem } from '../../config/problem.ts';
import type { Config } from '../../config/schema.ts';
import type { DataAccess } from '../../guard/access.ts';
import type { Guard } from '../../guard/guard.ts';
import { oidOfType } from '../../postgres/type-names.ts';
import { sharedInputs } from '../kit/inputs.ts';

type Queries = Config['queries'];

/** Inputs that every saved query has. */
const TAKEN: ReadonlySet<string> = new Set([...Object.keys(sharedInputs), 'limit', 'format', 'timeout_s', 'purpose']);

/** What is wrong with saved queries beside their statements; `taken`: the names of other operations. */
export function findQueryProblems(
  { queries, servers }: Pick<Config, 'queries' | 'servers'>,
  taken: ReadonlySet<string>,
): Problem[] {
  return Object.entries(queries).flatMap(([name, query]) => {
    const path = `queries.${name}`;
    const problems: Problem[] = [];
    if (taken.has(name)) problems.push({ path, message: 'has the name of another tool; choose another' });
    if (query.server !== undefined && servers[query.server] === undefined) {
      problems.push({
        path: `${path}.server`,
        message: `names no server; there are: ${Object.keys(servers).join(', ') || '(none)'}`,
      });
    }
    return [...problems, ...findParameterProblems(path, query)];
  });
}

function findParameterProblems(path: string, { parameters }: Queries[string]): Problem[] {
  const names = parameters.map(({ name }) => name);
  return parameters.flatMap(({ name, type, nullable, default: fallback }, i) => {
    const at = `${path}.parameters[${i}]`;
    const problems: Problem[] = [];
    if (TAKEN.has(name))
      problems.push({ path: `${at}.name`, message: 'is an input that every tool has; choose another' });
    if (names.indexOf(name) !== i) problems.push({ path: `${at}.name`, message: 'is there twice' });
    if (oidOfType(type) === undefined) {
      problems.push({ path: `${at}.type`, message: 'is no built-in type; write text, and a cast in the statement' });
    }
    if (fallback === null && !nullable)
      problems.push({ path: `${at}.default`, message: 'is null, and nullable is not set' });
    return problems;
  });
}

const VISIBLE = { access: 'visible' } as const;
/** As much as any persona may be granted: which of them may run it is judged when it is called. */
const ANYONE: DataAccess = {
  hides: false,
  relation: () => VISIBLE,
  column: () => VISIBLE,
  grantsRelation: () => true,
  grantsFunction: () => true,
};

/** What only a database can tell. */
const UNKNOWN_HERE: ReadonlySet<string> = new Set([
  'function/unknown',
  'function/not-granted',
  'operator/unknown',
  'operator/not-granted',
  'type/unknown',
  'relation/unknown',
]);

/** Judges the statements without a server; what only a server can tell is judged when they are called. */
export async function findRefusedQueries(queries: Queries, guard: Guard): Promise<Problem[]> {
  const found = await Promise.all(
    Object.entries(queries).map(async ([name, { sql, parameters }]): Promise<Problem[]> => {
      const path = `queries.${name}`;
      const verdict = await guard.check({ sql, access: ANYONE, catalog: undefined });
      if (verdict.verdict === 'deny') {
        const { rule, reason, hint } = verdict;
        return UNKNOWN_HERE.has(rule)
          ? []
          : [{ path: `${path}.sql`, message: `is refused (${rule}): ${reason} ${hint}` }];
      }
      if (verdict.parameters === parameters.length) return [];
      const message = `has ${parameters.length}, and the statement uses ${verdict.parameters}: $1 is the first`;
      return [{ path: `${path}.parameters`, message }];
    }),
  );
  return found.flat();
}
