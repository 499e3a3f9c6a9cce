import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { nearest } from '../../core/nearest.ts';
import { PlatformError } from '../../core/errors.ts';
import { byServerVersion, definePart, param, quoteName, sql } from '../kit/index.ts';
import { chooseRelation, findRelation } from '../tables/find-relation.ts';
import { readTableName } from '../tables/table-name.ts';

const named = {
  oid: z.int(),
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  meaning: z.int(),
  system: z.boolean(),
};

/** A name as it may be meant: in any schema where that is empty. */
const meanings = sql`rows from (pg_catalog.unnest(${param('schemas')}::text[]), pg_catalog.unnest(${param('tables')}::text[])) with ordinality w (schema, name, meaning)`;
const isSystem = sql`n.nspname ~ '^pg_' or n.nspname = 'information_schema'`;

export const sequencesOfName = definePart({
  what: 'sequences of this name',
  looksUp: true,
  row: named,
  sql: byServerVersion({
    12: sql`
      select c.oid, n.nspname as schema, c.relname as table, w.meaning, ${isSystem} as system
        from ${meanings}
        join pg_catalog.pg_class c on c.relname = w.name::name and c.relkind = 'S'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace and (w.schema = '' or n.nspname = w.schema::name)
       order by w.meaning, system, n.nspname <> 'public', n.nspname
       limit 100`,
  }),
});

export const functionsOfName = definePart({
  what: 'functions of this name',
  looksUp: true,
  row: { ...named, table: z.string().meta({ names: 'function' }), arguments: z.string() },
  sql: byServerVersion({
    12: sql`
      select p.oid, n.nspname as schema, p.proname as table, w.meaning, ${isSystem} as system,
             pg_catalog.oidvectortypes(p.proargtypes) as arguments
        from ${meanings}
        join pg_catalog.pg_proc p on p.proname = w.name::name
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace and (w.schema = '' or n.nspname = w.schema::name)
       order by w.meaning, system, n.nspname <> 'public', n.nspname, arguments
       limit 200`,
  }),
});

export const schemasOfName = definePart({
  what: 'schemas',
  looksUp: true,
  row: { oid: z.int(), schema: z.string().meta({ names: 'schema' }) },
  sql: byServerVersion({
    12: sql`select n.oid, n.nspname as schema from pg_catalog.pg_namespace n order by n.nspname = ${param('schema')}::name desc, n.nspname limit 5000`,
  }),
});

/** Rows that a name can mean, as readTableName reads it. */
function valuesFor(name: string, schema: string | undefined) {
  const read = readTableName(name, schema);
  return { schemas: read.map((each) => each.schema ?? ''), tables: read.map((each) => each.table) };
}

/** A table, a view or a sequence; fails as findRelation does. */
export async function findGrantedRelation(
  target: ReachedDatabase,
  table: string,
  schema: string | undefined,
): Promise<number[]> {
  try {
    return [(await findRelation(target, table, schema)).oid];
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'NOT_FOUND') throw error;
    const found = await target.readOnly((session) => sequencesOfName.read(session, valuesFor(table, schema)));
    const sequence = chooseRelation(found);
    if (!sequence) throw error;
    return [sequence.oid];
  }
}

/** Every overload, or those with the arguments that are written behind the name. */
export async function findFunctions(
  target: ReachedDatabase,
  text: string,
  schema: string | undefined,
): Promise<number[]> {
  const [, name = text, types] = /^([^]*?)\(([^]*)\)\s*$/.exec(text) ?? [];
  const found = await target.readOnly((session) => functionsOfName.read(session, valuesFor(name, schema)));
  const [likeliest] = found;
  const same = found.filter(
    (each) => each.meaning === likeliest?.meaning && each.system === likeliest.system && isOf(each.arguments, types),
  );
  if (same.length > 0) return same.map(({ oid }) => oid);
  const others = found.map((each) => `${quoteName(each.schema, each.table)}(${each.arguments})`);
  throw new PlatformError('NOT_FOUND', `Database "${target.database}" has no function ${JSON.stringify(text)}.`, {
    hint:
      others.length === 0
        ? 'Names are exact; privileges without a function counts what there is.'
        : `There is ${others.slice(0, 10).join(', ')}.`,
  });
}

function isOf(actual: string, given: string | undefined): boolean {
  return given === undefined || spaceless(given) === spaceless(actual);
}

function spaceless(types: string): string {
  return types.toLowerCase().replaceAll(/\s+/g, '');
}

export async function findSchema(target: ReachedDatabase, schema: string): Promise<number[]> {
  const found = await target.readOnly((session) => schemasOfName.read(session, { schema }));
  const exact = found.find((each) => each.schema === schema);
  if (exact) return [exact.oid];
  const near = nearest(
    schema,
    found.map((each) => each.schema),
  );
  throw new PlatformError('NOT_FOUND', `Database "${target.database}" has no schema ${JSON.stringify(schema)}.`, {
    ...(near !== undefined && { hint: `Did you mean ${JSON.stringify(near)}?` }),
  });
}
