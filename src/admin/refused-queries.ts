import { openCallersDatabase, type CallersSql } from '../calls/callers-database.ts';
import { findDestination, reachableServers } from '../calls/reach.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { startDeadline } from '../core/deadline.ts';
import { toPlatformError, type PlatformError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import { createSavedQueries } from '../tools/sql/saved-query.ts';
import { typedParameter } from '../tools/sql/typed-parameter.ts';

type Query = Config['queries'][string];

export interface RefusedQueries {
  /** Of entries such as `queries.late_orders.sql`. */
  readonly problems: readonly Problem[];
  /** Where and for whom nobody could look, each with why. */
  readonly unread: readonly { readonly place: string; readonly reason: string }[];
}

export interface QueryChecking {
  readonly queries: Config['queries'];
  readonly personas: readonly CompiledPersona[];
  readonly fleet: Fleet;
  readonly callersSql: CallersSql;
  readonly signal: AbortSignal;
}

/** Each statement is judged and planned within this time. */
const QUERY_MS = 10_000;
/** What a server says of the statement; all else, such as a login that is missing, is about the place. */
const ABOUT_STATEMENT = new Set(['SQL_REJECTED', 'QUERY_FAILED', 'INVALID_INPUT', 'NOT_FOUND', 'FORBIDDEN']);
/** Nothing is run, so that nothing is on record. */
const NO_RECORD = { reached: () => undefined, decided: () => undefined };

/**
 * Saved queries that fail wherever a persona that may call them can: each is judged by what is in the database, on the
 * login that would run it, and planned without running, which finds names, types and rights that are missing.
 */
export async function findRefusedOnServers(checking: QueryChecking): Promise<RefusedQueries> {
  const { queries, personas, fleet } = checking;
  const tools = new Map(createSavedQueries(queries).map((tool) => [tool.name, tool]));
  const problems = new Map<string, { readonly problem: (whose: string) => Problem; readonly whose: string[] }>();
  const unread = new Map<string, { readonly place: string; readonly reason: string }>();
  for (const [name, query] of Object.entries(queries)) {
    const tool = tools.get(name);
    for (const persona of personas) {
      if (tool === undefined || !persona.operation(tool).allowed) continue;
      const failures: { place: string; error: PlatformError }[] = [];
      const places = placesOf(query, persona, fleet);
      for (const server of places) {
        const error = await failureOn(server, query, persona, checking);
        if (error === undefined) continue;
        const place = `${server}${query.database === undefined ? '' : `/${query.database}`}`;
        if (ABOUT_STATEMENT.has(error.code)) failures.push({ place, error });
        else {
          const gap = { place: `${place} as the persona ${persona.name}`, reason: error.message };
          unread.set(JSON.stringify(gap), gap);
        }
      }
      const [first] = failures;
      // what has no place of its own may be meant for one of them
      if (first === undefined || failures.length < places.length) continue;
      const said = describe(first.error);
      const key = `${name} ${said}`;
      const known = problems.get(key);
      if (known) known.whose.push(persona.name);
      else {
        const problem = (whose: string) => ({
          path: `queries.${name}.sql`,
          message: `fails on ${first.place} for ${whose}: ${said}`,
        });
        problems.set(key, { problem, whose: [persona.name] });
      }
    }
  }
  return {
    problems: [...problems.values()].map(({ problem, whose }) => problem(whose.join(', '))),
    unread: [...unread.values()],
  };
}

function placesOf({ server }: Query, persona: CompiledPersona, fleet: Fleet): readonly string[] {
  return server === undefined ? reachableServers(fleet, persona).map(({ name }) => name) : [server];
}

async function failureOn(
  server: string,
  { sql, database, parameters }: Query,
  persona: CompiledPersona,
  { fleet, callersSql, signal }: QueryChecking,
): Promise<PlatformError | undefined> {
  const destination = openTo(persona, fleet, { server, database });
  if (destination === undefined) return undefined;
  const deadline = startDeadline(QUERY_MS, signal);
  try {
    const callers = { ...callersSql, transport: 'cli' as const };
    const target = openCallersDatabase(destination, { persona, deadline, callId: uuidv7(), callers });
    const approved = await target.admit(sql);
    if (approved.kind !== 'select') return undefined;
    const values = parameters.map(({ type }) => typedParameter(type, null, refuseNull));
    await target.readOnly((session) => session.explain(approved, { parameters: values }));
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return toPlatformError(error);
  } finally {
    deadline.clear();
  }
}

/** Undefined for a place that is closed to the persona on purpose. */
function openTo(persona: CompiledPersona, fleet: Fleet, place: Pick<Query, 'server' | 'database'>) {
  try {
    return findDestination(fleet, persona, place, NO_RECORD);
  } catch {
    return undefined;
  }
}

function refuseNull(problem: string): never {
  throw new Error(`null ${problem}`);
}

function describe({ message, details, hint }: PlatformError): string {
  const rule = details?.['rule'];
  return `${typeof rule === 'string' ? `(${rule}) ` : ''}${message}${hint === undefined ? '' : ` ${hint}`}`;
}
