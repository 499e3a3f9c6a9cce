import { comment, gather, quoteIdentifier, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { DefinerFunction, OpenSchema } from './definer-function.ts';

/**
 * How safe the search path of such a function is. `bound`: PostgreSQL has parsed its body, so that names in it are
 * resolved once for all. `temporary_first`: what a session puts into its temporary schema is found before anything else,
 * as far as the body names relations and types without a schema.
 */
export const PATHS = ['callers', 'open_schema', 'temporary_first', 'bound', 'pinned'] as const;
type SearchPath = (typeof PATHS)[number];

export interface JudgedFunction extends DefinerFunction {
  readonly path: SearchPath;
}

/** The unsafe first. */
export function examineDefiners(functions: readonly DefinerFunction[], open: readonly OpenSchema[]): JudgedFunction[] {
  const writable = new Set(open.map(({ schema }) => schema));
  const judged = functions.map((each) => ({ ...each, path: pathOf(each, writable) }));
  return judged.toSorted((a, b) => PATHS.indexOf(a.path) - PATHS.indexOf(b.path));
}

function pathOf({ search_path, parsed, owner }: DefinerFunction, writable: ReadonlySet<string>): SearchPath {
  if (search_path === null) return parsed ? 'bound' : 'callers';
  const schemas = schemasOf(search_path).map((each) => (each === '$user' ? owner : each));
  if (schemas.some((each) => writable.has(each))) return 'open_schema';
  // an empty path leaves nothing to be found but what is named whole, or built in
  return schemas.length === 0 || schemas.at(-1) === 'pg_temp' ? 'pinned' : 'temporary_first';
}

/** The identifiers of a list such as `pg_catalog, "we.ird"`. */
function schemasOf(path: string): string[] {
  return [...path.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
    .filter((each) => each !== '');
}

/** Whether somebody else may call it, and has a hand in what its names mean. */
export function isUnsafe({ path, executable_by, reachable }: JudgedFunction): boolean {
  return (path === 'callers' || path === 'open_schema') && executable_by.length > 0 && reachable;
}

export function judgeDefiners(functions: readonly JudgedFunction[]): Finding[] {
  return gather(
    functions.filter(isUnsafe).map(describe),
    (count) =>
      `${count} SECURITY DEFINER functions run with a search path that their callers choose or can write into.`,
  );
}

function describe(row: JudgedFunction): Finding {
  const { owner, owner_superuser, owner_powerful, search_path, executable_by, path } = row;
  const object = `${quoteName(row.schema, row.function)}(${row.arguments})`;
  const alter = `ALTER ${row.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${object}`;
  const schema = quoteIdentifier(row.schema);
  const rights = owner_superuser ? 'as a superuser' : `with the rights of its owner`;
  return {
    severity: owner_powerful ? 'warning' : 'notice',
    claim:
      path === 'callers'
        ? `${object} runs ${rights} and looks names up in the search path of its caller.`
        : `${object} runs ${rights} and looks names up in a schema that everybody may create in.`,
    object,
    evidence: { owner, owner_superuser, search_path, executable_by: executable_by.join(', ') },
    why: 'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
    next_step: [
      `SELECT prosrc FROM pg_proc WHERE oid = ${quoteLiteral(object)}::regprocedure;`,
      comment(
        'first name with its schema whatever the body finds by a name alone: every call fails at a name that the new path does not find',
      ),
      comment(`${alter} SET search_path = pg_catalog, pg_temp;`),
      comment(
        `or, where only trusted roles may create in ${schema}: ${alter} SET search_path = pg_catalog, ${schema}, pg_temp;`,
      ),
    ].join('\n'),
  };
}
