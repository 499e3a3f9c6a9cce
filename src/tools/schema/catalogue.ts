import { z } from 'zod';
import type { ReachedSession } from '../../calls/reached-session.ts';
import { scrubSecrets } from '../../core/secret-text.ts';
import { compileShape, decodeRows } from '../../postgres/exact-values.ts';
import { compile, param, sql, type Sql } from '../../postgres/sql.ts';
import { isOfExtension, isUserSchema } from '../kit/index.ts';
import { isOwnFunction } from './own-function.ts';

export const KINDS = [
  'table',
  'partitioned_table',
  'view',
  'materialized_view',
  'foreign_table',
  'function',
  'enum',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: Comment | null;
}

/** A comment as it may be shown, once it is known that `whole` reveals nothing hidden. */
export interface Comment {
  readonly shown: string;
  readonly whole: string;
}

/** A relation, a function or an enum. */
export interface Item {
  readonly oid: number;
  readonly kind: Kind;
  readonly schema: string;
  readonly name: string;
  /** As of the last VACUUM or ANALYZE, partitions counted in; null of what has none, or where nobody counted. */
  readonly rows: number | null;
  /** Bytes with TOAST, indexes and partitions, counted at the same time; null of what has no file. */
  readonly size: number | null;
  readonly comment: Comment | null;
  /** Arguments and result of a function; of an enum its name as types of columns have it. */
  readonly signature: string | null;
  /** Of an enum, in their order. */
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
  /** Those of a partitioned table at every depth, the last names first; not all where there are very many. */
  readonly partitions: readonly Place[];
  /** Oids of the relations that its foreign keys lead to; the keys of partitions are those of their parent. */
  readonly refersTo: readonly number[];
}

export function isRelation({ kind }: Item): boolean {
  return kind !== 'function' && kind !== 'enum';
}

export interface Place {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

/** Characters that are read of a comment, and that are shown of a longer one: a name that the end cuts is in what is read. */
const READ = 1200;
const SHOWN = 1000;

const patterns = sql`${param('patterns')}::text[]`;
const schema = sql`${param('schema')}::text`;
const relationKinds = sql`('r', 'p', 'v', 'm', 'f')`;
const isMeant = (text: Sql) => sql`${text}::text collate pg_catalog."default" ilike any (${patterns})`;
const pgClassName = sql`'pg_catalog.pg_class'`;
const pgClass = sql`'pg_catalog.pg_class'::regclass`;

/**
 * Everything of a database that has a name to be found by, but for what extensions brought, in no order; partitions are
 * in the table that they are of.
 * With `patterns`, as ILIKE has them, only relations that have one in their name, a column or a comment, and functions
 * and enums by their names and comments. Opens no relation, so that it waits for no lock.
 */
export const CATALOGUE = compile(sql`
  with recursive roots as materialized (
    select c.oid, n.nspname, c.relname, c.relkind, c.relpages, c.reltuples, c.reltoastrelid
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ${relationKinds} and c.relpersistence <> 't' and not c.relispartition
       and ${isUserSchema(sql`n.nspname`)} and not ${isOfExtension(pgClassName, sql`c.oid`)}
       and (${patterns} is null
            or ((${schema} is null or n.nspname = ${schema})
                and (${isMeant(sql`c.relname`)}
                     or exists (select from pg_catalog.pg_attribute a
                                 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ${isMeant(sql`a.attname`)})
                     or exists (select from pg_catalog.pg_description d
                                 where d.classoid = ${pgClass} and d.objoid = c.oid and ${isMeant(sql`d.description`)}))))
     order by ${patterns} is not null and ${isMeant(sql`c.relname`)} desc, c.relpages desc, c.oid
     limit ${param('most')}
  ),
  members (root, oid) as (
    select r.oid, r.oid from roots r
    union all
    select m.root, h.inhrelid
      from members m
      join pg_catalog.pg_class p on p.oid = m.oid and p.relkind = 'p'
      join pg_catalog.pg_inherits h on h.inhparent = p.oid
  ),
  stored as materialized (
    select m.root, c.oid, n.nspname, c.relname, c.relkind, c.relpages, c.reltuples, c.reltoastrelid
      from members m
      join pg_catalog.pg_class c on c.oid = m.oid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  ),
  pages as materialized (
    select f.root, pg_catalog.sum(f.relpages::bigint) as pages
      from (
        select s.root, s.relpages from stored s where s.relkind in ('r', 'm')
        union all
        select s.root, t.relpages from stored s join pg_catalog.pg_class t on t.oid = s.reltoastrelid where s.reltoastrelid <> 0
        union all
        select s.root, x.relpages
          from stored s
          join pg_catalog.pg_index i on i.indrelid in (s.oid, nullif(s.reltoastrelid, 0))
          join pg_catalog.pg_class x on x.oid = i.indexrelid and x.relkind = 'i'
      ) f
     group by f.root
  ),
  counted as materialized (
    -- before the first VACUUM or ANALYZE reltuples is -1 from 14 on, and before that 0 with no pages, as of an empty table
    select s.root,
           case when pg_catalog.bool_and(s.reltuples > 0 or (s.reltuples = 0 and (s.relpages > 0 or pg_catalog.current_setting('server_version_num')::integer >= 140000)))
                then pg_catalog.round(pg_catalog.sum(s.reltuples)::numeric)::bigint end as rows
      from stored s
     where s.relkind in ('r', 'm', 'f')
     group by s.root
  ),
  partitions as materialized (
    select s.root,
           pg_catalog.json_agg(pg_catalog.json_build_array(s.oid::bigint, s.nspname, s.relname) order by s.relname desc) as list
      from (
        select s.*, pg_catalog.row_number() over (partition by s.root order by s.relname desc) as place
          from stored s
         where s.oid <> s.root
      ) s
     where s.place <= ${param('partitions')}
     group by s.root
  ),
  columns as materialized (
    select a.attrelid,
           pg_catalog.json_agg(
             pg_catalog.json_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.left(d.description, ${param('read')}))
             order by a.attnum) as list
      from pg_catalog.pg_attribute a
      join roots r on r.oid = a.attrelid
      left join pg_catalog.pg_description d on d.classoid = ${pgClass} and d.objoid = a.attrelid and d.objsubid = a.attnum
     where a.attnum > 0 and not a.attisdropped
     group by a.attrelid
  ),
  keys as materialized (
    select k.conrelid, pg_catalog.json_agg(distinct k.confrelid::bigint) as list
      from pg_catalog.pg_constraint k
     where k.contype = 'f' and k.conparentid = 0
     group by k.conrelid
  )
  select r.oid, case r.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'v' then 'view'
                               when 'm' then 'materialized_view' else 'foreign_table' end as kind,
         r.nspname as schema, r.relname as name, n.rows, p.pages * pg_catalog.current_setting('block_size')::bigint as size,
         pg_catalog.left(d.description, ${param('read')}) as comment, null as signature, null::json as labels,
         c.list as columns, t.list as partitions, k.list as keys
    from roots r
    left join pages p on p.root = r.oid
    left join counted n on n.root = r.oid
    left join columns c on c.attrelid = r.oid
    left join partitions t on t.root = r.oid
    left join keys k on k.conrelid = r.oid
    left join pg_catalog.pg_description d on d.classoid = ${pgClass} and d.objoid = r.oid and d.objsubid = 0
  union all
  select f.oid, 'function', n.nspname, f.proname, null, null, pg_catalog.left(d.description, ${param('read')}),
         '(' || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')'
           || coalesce(' returns ' || pg_catalog.pg_get_function_result(f.oid), ''), null, null, null, null
    from (
      select f.oid, f.proname, f.pronamespace
        from pg_catalog.pg_proc f
       where f.pronamespace in (select n.oid from pg_catalog.pg_namespace n where ${isUserSchema(sql`n.nspname`)})
         and ${isOwnFunction(sql`f.oid`)}
       order by f.oid
       limit ${param('most')}
    ) f
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    left join pg_catalog.pg_description d on d.classoid = 'pg_catalog.pg_proc'::regclass and d.objoid = f.oid and d.objsubid = 0
   where ${patterns} is null or ${isMeant(sql`f.proname`)} or ${isMeant(sql`d.description`)}
  union all
  select t.oid, 'enum', n.nspname, t.typname, null, null, pg_catalog.left(d.description, ${param('read')}), pg_catalog.format_type(t.oid, null),
         (select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid), null, null, null
    from (
      select t.* from pg_catalog.pg_type t
       where t.typtype = 'e' and not ${isOfExtension(sql`'pg_catalog.pg_type'`, sql`t.oid`)}
       order by t.oid limit ${param('most')}
    ) t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace and ${isUserSchema(sql`n.nspname`)}
    left join pg_catalog.pg_description d on d.classoid = 'pg_catalog.pg_type'::regclass and d.objoid = t.oid and d.objsubid = 0
   where ${patterns} is null or ${isMeant(sql`t.typname`)} or ${isMeant(sql`d.description`)}
      or exists (select from pg_catalog.pg_enum e where e.enumtypid = t.oid and ${isMeant(sql`e.enumlabel`)})`);

/** Of more partitions, these are enough to find their table by. */
const PARTITIONS_READ = 200;

const list = z.array(z.unknown()).nullable();
const shape = compileShape({
  oid: z.int(),
  kind: z.enum(KINDS),
  schema: z.string(),
  name: z.string(),
  rows: z.int().nullable(),
  size: z.int().nullable(),
  comment: z.string().nullable(),
  signature: z.string().nullable(),
  labels: list,
  columns: list,
  partitions: list,
  keys: list,
});

interface Row {
  readonly oid: number;
  readonly kind: Kind;
  readonly schema: string;
  readonly name: string;
  readonly rows: number | null;
  readonly size: number | null;
  readonly comment: string | null;
  readonly signature: string | null;
  readonly labels: string[] | null;
  readonly columns: (readonly [name: string, type: string, comment: string | null])[] | null;
  readonly partitions: (readonly [oid: number, schema: string, name: string])[] | null;
  readonly keys: number[] | null;
}

/** Which part of a catalogue is read: all of it up to `most` of each kind, or what has one of the patterns. */
export interface Reading {
  readonly most: number;
  readonly patterns: readonly string[] | null;
  readonly schema: string | null;
}

/** Rows that are decoded at one go, so that other calls get their turns. */
const SLICE = 1000;

export async function readCatalogue(session: Pick<ReachedSession, 'query'>, reading: Reading): Promise<Item[]> {
  const result = await session.query(CATALOGUE, { ...reading, partitions: PARTITIONS_READ, read: READ });
  const columns = new Map<string, Column>();
  const items: Item[] = [];
  for (let at = 0; at < result.rows.length; at += SLICE) {
    const rows = decodeRows({ ...result, rows: result.rows.slice(at, at + SLICE) }, shape) as unknown as Row[];
    for (const row of rows) items.push(toItem(row, columns));
    await breathe();
  }
  return items;
}

/** Lets what else waits in this process have its turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Most columns of a database are like another one, and are kept once. */
function toItem({ keys, labels, columns, partitions, comment, ...row }: Row, known: Map<string, Column>): Item {
  return {
    ...row,
    comment: toComment(comment),
    labels: labels ?? [],
    columns: (columns ?? []).map(([name, type, text]) => {
      const key = JSON.stringify([name, type, text]);
      const column = known.get(key) ?? { name, type, comment: toComment(text) };
      known.set(key, column);
      return column;
    }),
    partitions: (partitions ?? []).map(([oid, schema, name]) => ({ oid, schema, name })),
    refersTo: keys ?? [],
  };
}

function toComment(text: string | null): Comment | null {
  if (text === null || text === '') return null;
  return { shown: scrubSecrets(text.length < READ ? text : text.slice(0, SHOWN)), whole: text };
}
