import type { CallersSession } from '../../../calls/callers-sql.ts';
import type { CallContext, ReachedDatabase } from '../../../calls/context.ts';
import type { NotExamined } from '../../../contract/finding.ts';
import { PlatformError } from '../../../core/errors.ts';
import type { Approved } from '../../../guard/guard.ts';
import type { Gathered } from './gathered.ts';
import { createHypotheticalCosts } from './hypothetical-costs.ts';
import type { KnownTables } from './known-tables.ts';
import type { CostOf } from './select.ts';

/** Statements that the planner may be asked about, and how. */
export interface Proof {
  /** Undefined where nothing can be proven. */
  readonly costOf: CostOf | undefined;
  /** Where names without a schema are looked up. */
  readonly path: readonly string[];
  readonly isPlannable: (place: number) => boolean;
}

interface Asked {
  readonly asked: Gathered;
  readonly known: KnownTables;
  readonly isOver: () => boolean;
}

/**
 * Does `work` with the planner at hand, where there is HypoPG, a login for SQL of callers, and a guard that lets the
 * statements pass; without it otherwise, and says why. Fails with SQL_REJECTED for a statement of the caller's own.
 */
export async function withProof<T>(
  { asked, known, isOver }: Asked,
  { callers }: Pick<ReachedDatabase, 'callers'>,
  { willRun }: Pick<CallContext, 'willRun'>,
  work: (proof: Proof) => Promise<T>,
): Promise<{ readonly result: T; readonly gaps: readonly NotExamined[] }> {
  const unproven = async (path: readonly string[], gaps: readonly NotExamined[]) => ({
    result: await work({ costOf: undefined, path, isPlannable: () => false }),
    gaps,
  });
  const defaultPath = [known.facts.role.name, 'public'];
  const hypopg = known.extension('hypopg');
  if (hypopg === undefined) return unproven(defaultPath, [NO_HYPOPG]);
  const admitted = await admitAll(asked, callers, isOver);
  if ('reason' in admitted) return unproven(defaultPath, [notProven(admitted.reason)]);
  const { approved, gaps } = admitted;
  const path = [...approved.values()].flatMap(({ facts }) => (facts ? [facts.path] : []))[0] ?? defaultPath;
  if (approved.size === 0) return unproven(path, gaps);
  if (asked.areCallers) willRun(recordOf([...approved.values()]));
  try {
    const result = await callers.readOnly((session) => {
      const indexes = session.hypothetical(hypopg.schema);
      const explain = async (place: number) => planOf(session, approved.get(place));
      return work({
        costOf: createHypotheticalCosts({ explain, change: (drop, create) => indexes.change(drop, create) }),
        path,
        isPlannable: (place) => approved.has(place),
      });
    });
    return { result, gaps };
  } catch (error) {
    if (!(error instanceof PlatformError) || !OF_THE_PROOF.has(error.code)) throw error;
    return unproven(path, [...gaps, notProven(error)]);
  }
}

/** Failures that leave advice without proof. */
const OF_THE_PROOF: ReadonlySet<string> = new Set(['QUERY_FAILED', 'UNSUPPORTED']);
/** What a statement of the workload may be refused for without a word about it. */
const OF_ONE_STATEMENT: ReadonlySet<string> = new Set([
  'SQL_REJECTED',
  'NOT_FOUND',
  'FORBIDDEN',
  'QUERY_FAILED',
  'INVALID_INPUT',
]);

type Admitted =
  | { readonly approved: ReadonlyMap<number, Approved>; readonly gaps: readonly NotExamined[] }
  | { readonly reason: PlatformError };

/** Each is judged, and planned once by itself, since what fails ends the transaction of all. */
async function admitAll(
  { statements, areCallers }: Gathered,
  callers: ReachedDatabase['callers'],
  isOver: () => boolean,
): Promise<Admitted> {
  const approved = new Map<number, Approved>();
  let refusals = 0;
  for (const [place, { reading }] of statements.entries()) {
    if (reading === undefined) continue;
    if (isOver()) break;
    try {
      const each = await callers.admit(reading);
      await callers.readOnly((session) => planOf(session, each));
      approved.set(place, each);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (error.code === 'UNSUPPORTED') return { reason: error };
      if (areCallers || !OF_ONE_STATEMENT.has(error.code)) throw error;
      refusals++;
    }
  }
  return { approved, gaps: refusals === 0 ? [] : [refused(refusals)] };
}

async function planOf(session: CallersSession, approved: Approved | undefined): Promise<unknown> {
  if (approved === undefined) throw new Error('the statement was not admitted');
  return session.explain(approved, approved.parameters > 0 ? { generic: true } : {});
}

function recordOf(approved: readonly Approved[]) {
  const relations = approved.flatMap((each) => each.relations.map(({ schema, name }) => `${schema}.${name}`));
  return {
    sql: approved.map(({ text }) => text).join(';\n'),
    parameters: [],
    relations: [...new Set(relations)].toSorted(),
  };
}

const WHAT = 'what the indexes would save';

const NO_HYPOPG: NotExamined = {
  what: WHAT,
  reason: 'The database lacks the extension hypopg, by which plans are made as if an index were there.',
  remedy: 'CREATE EXTENSION hypopg;',
};

function notProven({ message, hint }: PlatformError): NotExamined {
  return { what: WHAT, reason: message, ...(hint !== undefined && { remedy: hint }) };
}

function refused(count: number): NotExamined {
  return {
    what: `what indexes would save in ${count} ${count === 1 ? 'statement' : 'statements'} of the workload`,
    reason: 'The guard refuses them, or the login for SQL of callers may not read their tables.',
    remedy: 'Name such a statement, which says why: statements.',
  };
}
