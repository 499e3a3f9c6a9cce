import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import { nearest } from '../../core/nearest.ts';
import { PlatformError } from '../../core/errors.ts';
import { byServerVersion, definePart, isUserSchema, param, quoteName, sql, type RowOf } from '../kit/index.ts';
import { readTableName, type TableName } from './table-name.ts';

/** Enough to find the name that a caller misspelt, in a database of any size. */
const NAMES_COMPARED = 5000;

export const RELATION_KINDS = sql`('r', 'p', 'v', 'm', 'f')`;

export const candidates = definePart({
  what: 'relations of this name',
  looksUp: true,
  row: {
    oid: z.int(),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    meaning: z.int(),
    system: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      select c.oid, n.nspname as schema, c.relname as table, w.meaning, n.nspname ~ '^pg_' or n.nspname = 'information_schema' as system
        from rows from (pg_catalog.unnest(${param('schemas')}::text[]), pg_catalog.unnest(${param('tables')}::text[])) with ordinality w (schema, "table", meaning)
        join pg_catalog.pg_class c on c.relname = w."table"::name and c.relkind in ${RELATION_KINDS} and c.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace and (w.schema = '' or n.nspname = w.schema::name)
       order by w.meaning, system, n.nspname <> 'public', n.nspname
       limit 100`,
  }),
});
type Candidate = RowOf<typeof candidates>;

export const names = definePart({
  what: 'names of relations',
  looksUp: true,
  row: { schema: z.string().meta({ names: 'schema' }), table: z.string().meta({ names: 'table' }) },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, c.relname as table
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ${RELATION_KINDS} and c.relpersistence <> 't' and not c.relispartition
         and ${isUserSchema(sql`n.nspname`)}
       order by n.nspname <> 'public', n.nspname, c.relname
       limit ${param('limit')}`,
  }),
});

/** The relation that the caller means. Fails with NOT_FOUND, naming the nearest, or with INVALID_INPUT, naming all that it could be. */
export async function findRelation(
  target: ReachedDatabase,
  table: string,
  schema: string | undefined,
): Promise<Candidate> {
  const meanings = readTableName(table, schema);
  const found = await target.readOnly((session) =>
    candidates.read(session, {
      schemas: meanings.map((meaning) => meaning.schema ?? ''),
      tables: meanings.map((meaning) => meaning.table),
    }),
  );
  return chooseRelation(found) ?? (await notFound(target, table, meanings));
}

/** The only one of the likeliest meaning; of several, the one in public. */
export function chooseRelation(found: readonly Candidate[]): Candidate | undefined {
  const [likeliest] = found;
  if (!likeliest) return undefined;
  const same = found.filter(({ meaning, system }) => meaning === likeliest.meaning && system === likeliest.system);
  if (same.length === 1 || likeliest.schema === 'public') return likeliest;
  const all = same.map((each) => quoteName(each.schema, each.table));
  throw new PlatformError('INVALID_INPUT', `${all.length} relations are named ${JSON.stringify(likeliest.table)}.`, {
    hint: `Name the schema too: ${all.slice(0, 20).join(', ')}.`,
    details: { candidates: all },
  });
}

async function notFound(target: ReachedDatabase, table: string, meanings: readonly TableName[]): Promise<never> {
  const known = await target.readOnly((session) => names.read(session, { limit: NAMES_COMPARED }));
  const near = meanings.map((meaning) =>
    nearest(
      meaning.table,
      known.map((each) => each.table),
    ),
  );
  const name = near.find((each) => each !== undefined);
  const same = known.filter((each) => each.table === name).map((each) => quoteName(each.schema, each.table));
  throw new PlatformError('NOT_FOUND', `Database "${target.database}" has no relation ${JSON.stringify(table)}.`, {
    hint: same.length === 0 ? 'list_tables shows what there is.' : `Did you mean ${same.slice(0, 5).join(' or ')}?`,
  });
}
