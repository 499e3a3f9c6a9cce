import { z } from 'zod';
import { byServerVersion, estimatedSize, isUserSchema, sql, type Param, type Sql } from '../kit/index.ts';

export const collationRow = {
  kind: z.enum(['database', 'collation']).describe('The default of the database, or one that has a name of its own.'),
  schema: z.string().nullable().meta({ names: 'schema' }),
  collation: z.string().describe('Or the database.'),
  provider: z.string().describe('libc, icu or builtin.'),
  locale: z.string().nullable(),
  state: z
    .enum(['same', 'changed', 'unknown', 'never changes'])
    .describe('Never changes: C and POSIX, which compare bytes.'),
  recorded_version: z.string().nullable().describe('That it had when it was made or refreshed.'),
  actual_version: z.string().nullable().describe('That the operating system has now.'),
  indexes: z.int().min(0).describe('Ordered by it.'),
  index_size: z.int().min(0).meta({ unit: 'bytes' }).describe('As of the last VACUUM or ANALYZE.'),
  partition_keys: z.int().min(0).describe('Tables that are partitioned by it.'),
  first_indexes: z.array(z.string()).describe('Quoted.'),
};
export type CollationRow = z.output<z.ZodObject<typeof collationRow>>;

interface Catalog {
  /** Of d of pg_database: `provider`, `locale` and `recorded_version`, and the version that it has now. */
  readonly ofDatabase: Sql;
  readonly actual: Sql;
  /** Of l of pg_collation. */
  readonly locale: Sql;
}

const provider = (code: Sql) => sql`case ${code} when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end`;

const since12: Catalog = {
  ofDatabase: sql`'libc' as provider, d.datcollate as locale, null as recorded_version`,
  actual: sql`null`,
  locale: sql`l.collcollate`,
};
const since15: Catalog = {
  ofDatabase: sql`${provider(sql`d.datlocprovider`)} as provider, coalesce(d.daticulocale, d.datcollate) as locale, d.datcollversion as recorded_version`,
  actual: sql`pg_catalog.pg_database_collation_actual_version(d.oid)`,
  locale: sql`coalesce(l.colliculocale, l.collcollate)`,
};
const since17: Catalog = {
  ...since15,
  ofDatabase: sql`${provider(sql`d.datlocprovider`)} as provider, coalesce(d.datlocale, d.datcollate) as locale, d.datcollversion as recorded_version`,
  locale: sql`coalesce(l.colllocale, l.collcollate)`,
};

/** Selects `collationRow`, and how many there are as `total_rows`. */
export function collations(limit: Param) {
  return byServerVersion({ 12: select(limit, since12), 15: select(limit, since15), 17: select(limit, since17) });
}

/**
 * Not ordered by a collation are indexes of the pattern operator classes, which compare bytes, and hash indexes, whose
 * hashes come from bytes too where no two strings are equal but for their bytes.
 */
function select(limit: Param, { ofDatabase, actual, locale }: Catalog): Sql {
  return sql`
      with indexes as materialized (
        select i.indexrelid, i.indcollation, i.indclass, i.indexprs is not null or i.indpred is not null as has_expressions,
               c.relname, c.relpages, c.relam, n.nspname
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i' and c.relpersistence <> 't'
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where ${isUserSchema(sql`n.nspname`)}
      ),
      uses (collid, index) as materialized (
        select k.collid, i.indexrelid
          from indexes i
         cross join lateral rows from (pg_catalog.unnest(i.indcollation), pg_catalog.unnest(i.indclass)) k (collid, class)
          join pg_catalog.pg_opclass o on o.oid = k.class
          join pg_catalog.pg_collation l on l.oid = k.collid
         where k.collid not in (950, 951) and o.opcname not like '%\\_pattern\\_ops' and (i.relam <> 405 or not l.collisdeterministic)
        union
        select d.refobjid, i.indexrelid
          from indexes i
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
                                     and d.refclassid = 'pg_catalog.pg_collation'::regclass
         where i.has_expressions
      ),
      used as materialized (
        select u.collid, pg_catalog.count(*) as indexes, pg_catalog.sum(${estimatedSize(sql`i.relpages`)})::bigint as index_size,
               pg_catalog.to_json((pg_catalog.array_agg(pg_catalog.quote_ident(i.nspname) || '.' || pg_catalog.quote_ident(i.relname)
                                     order by i.relpages desc, i.nspname, i.relname))[1:5]) as first_indexes
          from uses u
          join indexes i on i.indexrelid = u.index
         group by u.collid
      ),
      keys as materialized (
        select k.collid, pg_catalog.count(distinct t.partrelid) as partition_keys
          from pg_catalog.pg_partitioned_table t
         cross join lateral pg_catalog.unnest(t.partcollation) k (collid)
         where t.partstrat = 'r'
         group by k.collid
      ),
      versions as (
        select 'database' as kind, 100::oid as collid, null::name as schema, d.datname as name, ${ofDatabase}, ${actual} as actual_version
          from pg_catalog.pg_database d
         where d.datname = pg_catalog.current_database()
        union all
        -- those of the operating system are hundreds, and asking for a version takes a while
        select 'collation', l.oid, n.nspname, l.collname, ${provider(sql`l.collprovider`)}, ${locale}, l.collversion, pg_catalog.pg_collation_actual_version(l.oid)
          from pg_catalog.pg_collation l
          join pg_catalog.pg_namespace n on n.oid = l.collnamespace
         where l.oid not in (100, 950, 951)
           and (l.oid >= 16384 or l.oid in (select u.collid from used u) or l.oid in (select k.collid from keys k))
      ),
      judged as (
        select v.*, coalesce(u.indexes, 0) as indexes, coalesce(u.index_size, 0) as index_size, coalesce(k.partition_keys, 0) as partition_keys,
               coalesce(u.first_indexes, '[]') as first_indexes,
               case when v.recorded_version <> v.actual_version then 'changed'
                    when v.recorded_version = v.actual_version then 'same'
                    when v.provider = 'libc' and v.locale ~* '^(C|POSIX|C[.].*)$' then 'never changes'
                    else 'unknown' end as state
          from versions v
          left join used u on u.collid = v.collid
          left join keys k on k.collid = v.collid
      )
      select j.kind, j.schema, j.name as collation, j.provider, j.locale, j.state, j.recorded_version, j.actual_version,
             j.indexes, j.index_size, j.partition_keys, j.first_indexes, pg_catalog.count(*) over () as total_rows
        from judged j
       order by j.kind desc, pg_catalog.array_position(array['changed', 'unknown', 'same', 'never changes'], j.state), j.indexes desc, j.schema, j.name
       limit ${limit}`;
}
