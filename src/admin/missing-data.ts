import { z } from 'zod';
import { reachableServers } from '../calls/reach.ts';
import type { Problem } from '../config/problem.ts';
import { startDeadline } from '../core/deadline.ts';
import { toPlatformError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Fleet, FleetServer } from '../fleet/fleet.ts';
import { likePattern, type DataPattern, type NamePart } from '../policy/data-pattern.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import { compile, param, sql } from '../postgres/sql.ts';

/** What the data rules name and no database has, and where nobody could look. */
export interface MissingData {
  /** Of entries such as `personas.analyst.data.deny[0]`; none where no database could be read. */
  readonly problems: readonly Problem[];
  /** Servers, and databases as `server/database`, that could not be read, each with why. */
  readonly unread: readonly { readonly place: string; readonly reason: string }[];
}

/** An entry of the data rules of a persona. */
interface Entry {
  readonly path: string;
  readonly pattern: DataPattern;
  /** What it does, in a word. */
  readonly verb: 'hides' | 'opens';
  /** What its parts name, from left to right. */
  readonly levels: readonly Level[];
}

const LEVELS = ['schema', 'table', 'function', 'column'] as const;
type Level = (typeof LEVELS)[number];
const OF_RELATION: readonly Level[] = ['schema', 'table', 'column'];
const OF_FUNCTION: readonly Level[] = ['schema', 'function'];

/** What one database has of a pattern. */
type Presence = Readonly<Record<Level, boolean>>;

/** Each database is asked within this time. */
const DATABASE_MS = 10_000;
/** Names that a misspelt one is compared with, per database. */
const COMPARED = sql`5000`;

const patterns = sql`rows from (pg_catalog.unnest(${param('schemas')}::pg_catalog.text[]), pg_catalog.unnest(${param('tables')}::pg_catalog.text[]),
                   pg_catalog.unnest(${param('columns')}::pg_catalog.text[])) p (s, t, c)`;

const PRESENT = compile(sql`
  select exists (select from pg_catalog.pg_namespace n where n.nspname::pg_catalog.text like p.s) as schema,
         exists (select from pg_catalog.pg_namespace n
                   join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname::pg_catalog.text like p.t
                  where n.nspname::pg_catalog.text like p.s) as "table",
         exists (select from pg_catalog.pg_namespace n
                   join pg_catalog.pg_proc f on f.pronamespace = n.oid and f.proname::pg_catalog.text like p.t
                  where n.nspname::pg_catalog.text like p.s) as "function",
         exists (select from pg_catalog.pg_namespace n
                   join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname::pg_catalog.text like p.t
                   join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                                                 and a.attname::pg_catalog.text like p.c
                  where n.nspname::pg_catalog.text like p.s) as "column"
    from ${patterns}`);
const presence = compileShape(
  Object.fromEntries(LEVELS.map((level) => [level, z.boolean()])) as Record<Level, z.ZodBoolean>,
);

const NAMES: Readonly<Record<Level, ReturnType<typeof compile>>> = {
  schema: compile(sql`select n.nspname as name from pg_catalog.pg_namespace n order by 1 limit ${COMPARED}`),
  table: compile(sql`
    select distinct c.relname as name
      from ${patterns}
      join pg_catalog.pg_namespace n on n.nspname::pg_catalog.text like p.s
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
     order by 1 limit ${COMPARED}`),
  function: compile(sql`
    select distinct f.proname as name
      from ${patterns}
      join pg_catalog.pg_namespace n on n.nspname::pg_catalog.text like p.s
      join pg_catalog.pg_proc f on f.pronamespace = n.oid
     order by 1 limit ${COMPARED}`),
  column: compile(sql`
    select distinct a.attname as name
      from ${patterns}
      join pg_catalog.pg_namespace n on n.nspname::pg_catalog.text like p.s
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname::pg_catalog.text like p.t
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     order by 1 limit ${COMPARED}`),
};
const DATABASES = compile(sql`
  select d.datname as name
    from pg_catalog.pg_database d
   where d.datallowconn and not d.datistemplate and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
   order by d.datname`);
const nameShape = compileShape({ name: z.string() });

interface Place {
  readonly server: FleetServer;
  readonly database: string;
}

/**
 * Entries of data rules that name a schema, table or column which none of the databases has that the persona may reach,
 * with the nearest name that there is: a rule with a slip of the pen hides nothing. Reads catalogs alone, on the
 * monitoring login; what cannot be reached is said, and no failure.
 */
export async function findMissingData(
  personas: readonly CompiledPersona[],
  fleet: Fleet,
  signal: AbortSignal,
): Promise<MissingData> {
  const ruled = personas.filter((persona) => entriesOf(persona).length > 0);
  const servers = new Set(ruled.flatMap((persona) => reachableServers(fleet, persona)));
  const unread: { place: string; reason: string }[] = [];
  const note = (place: string) => (error: unknown) => {
    signal.throwIfAborted();
    unread.push({ place, reason: toPlatformError(error).message });
    return [];
  };
  const found = await Promise.all([...servers].map((server) => databasesOf(server, signal).catch(note(server.name))));
  const places = found.flat();
  const problems: Problem[] = [];
  for (const persona of ruled) {
    const open = places.filter(({ server, database }) => persona.database(server.name, database).allowed);
    problems.push(...(await findOf(entriesOf(persona), open, { signal, note })));
  }
  return { problems, unread: unread.filter(({ place }, i) => unread.findIndex((each) => each.place === place) === i) };
}

interface Looking {
  readonly signal: AbortSignal;
  readonly note: (place: string) => (error: unknown) => never[];
}

async function findOf(entries: readonly Entry[], places: readonly Place[], looking: Looking): Promise<Problem[]> {
  const looks: Presence[][] = [];
  for (const place of places) {
    const look = await inDatabase(place, looking, (session) => presenceOf(session, entries));
    if (look.length > 0) looks.push(look);
  }
  if (looks.length === 0) return [];
  const missing = entries.flatMap((entry, i) => {
    const level = entry.levels.find((each) => {
      const part = partOf(entry.pattern, each);
      return part !== undefined && !part.isGlob && !looks.some((look) => look[i]?.[each] === true);
    });
    return level === undefined ? [] : [{ entry, level }];
  });
  return Promise.all(missing.map(({ entry, level }) => describe(entry, level, { places, looking })));
}

function partOf(pattern: DataPattern, level: Level): NamePart | undefined {
  return pattern[level === 'function' ? 'table' : level];
}

function entriesOf({ name, data, dataGrants: { relations, functions } }: CompiledPersona): Entry[] {
  const path = `personas.${name}.data`;
  const hiding = { verb: 'hides', levels: OF_RELATION } as const;
  const opening = { verb: 'opens', levels: OF_RELATION } as const;
  return [
    ...(data?.denied ?? []).map((pattern, i) => ({ ...hiding, path: `${path}.deny[${i}]`, pattern })),
    ...(data?.masked ?? []).map((pattern) => ({
      ...hiding,
      path: `${path}.mask.${JSON.stringify(pattern.text)}`,
      pattern,
    })),
    ...relations.map((pattern, i) => ({ ...opening, path: `${path}.allow[${i}]`, pattern })),
    ...functions.map((pattern, i) => ({
      ...opening,
      levels: OF_FUNCTION,
      path: `${path}.functions[${i}]`,
      pattern,
    })),
  ];
}

async function describe(
  entry: Entry,
  level: Level,
  { places, looking }: { readonly places: readonly Place[]; readonly looking: Looking },
): Promise<Problem> {
  const { path, pattern, verb } = entry;
  const names = new Set<string>();
  for (const place of places) {
    const found = await inDatabase(place, looking, async (session) => {
      const { params } = NAMES[level];
      const values = params.length === 0 ? {} : valuesOf([entry]);
      return decodeRows(await session.query(NAMES[level], values), nameShape).map(({ name }) => String(name));
    });
    for (const name of found) names.add(name);
  }
  const name = partOf(pattern, level)?.name ?? '';
  const near = nearest(name, [...names]);
  const what = `${JSON.stringify(pattern.text)} names the ${level} ${JSON.stringify(name)}`;
  const hint = near === undefined ? 'take it away, or correct it' : `did you mean ${near}?`;
  return {
    path,
    message: `${verb} nothing: ${what}, which none of the databases has that were read for the persona; ${hint}`,
  };
}

async function presenceOf(session: ReadOnlySession, entries: readonly Entry[]): Promise<Presence[]> {
  return decodeRows(await session.query(PRESENT, valuesOf(entries)), presence) as unknown as Presence[];
}

function valuesOf(entries: readonly Entry[]) {
  const part = (level: Level) => entries.map(({ pattern }) => likePattern(partOf(pattern, level)));
  return { schemas: part('schema'), tables: part('table'), columns: part('column') };
}

/** Nothing where the database cannot be read, which is noted. */
async function inDatabase<T>(
  { server, database }: Place,
  { signal, note }: Looking,
  read: (session: ReadOnlySession) => Promise<T[]>,
): Promise<T[]> {
  return readFrom({ server, database }, signal, read).catch(note(`${server.name}/${database}`));
}

async function databasesOf(server: FleetServer, signal: AbortSignal): Promise<Place[]> {
  const place = { server, database: server.defaultDatabase };
  const names = await readFrom(place, signal, async (session) => decodeRows(await session.query(DATABASES), nameShape));
  return names
    .map(({ name }) => String(name))
    .filter((name) => server.offers(name))
    .map((database) => ({ server, database }));
}

async function readFrom<T>(
  { server, database }: Place,
  signal: AbortSignal,
  read: (session: ReadOnlySession) => Promise<T>,
): Promise<T> {
  const deadline = startDeadline(DATABASE_MS, signal);
  const isolation = 'read committed';
  try {
    return await server
      .database(database)
      .readOnly({ deadline, applicationName: 'howdah', isolation, lockTimeoutMs: 300, single: true }, read);
  } finally {
    deadline.clear();
  }
}
