import { z } from 'zod';
import { byServerVersion, matchesName, sql, type Param, type Sql } from '../kit/index.ts';

export const extensionRow = {
  extension: z.string(),
  version: z.string().nullable().describe('Null of one that is not installed.'),
  default_version: z
    .string()
    .nullable()
    .describe('That CREATE and UPDATE would install; null where its files are gone.'),
  update_path: z
    .boolean()
    .nullable()
    .describe('Whether its scripts lead from the one to the other; null where they are the same.'),
  newest_version: z.string().nullable().describe('For which there are files; a default may be older.'),
  schema: z.string().nullable().meta({ names: 'schema' }),
  owner: z.string().nullable(),
  relocatable: z.boolean().nullable().describe('To another schema.'),
  trusted: z.boolean().nullable().describe('Who may create objects in the database may install it; PostgreSQL 13 on.'),
  library: z
    .enum(['loaded', 'missing', 'not visible'])
    .nullable()
    .describe('Of those that work only when the server loaded their library at its start.'),
  comment: z.string().nullable().meta({ names: 'text' }),
};
export type ExtensionRow = z.output<z.ZodObject<typeof extensionRow>>;

export const aboutLibraries = {
  preloaded: z
    .array(z.string())
    .nullable()
    .describe('shared_preload_libraries, with the paths; null where it is not visible.'),
};
export type AboutLibraries = z.output<z.ZodObject<typeof aboutLibraries>>;

interface Inputs {
  readonly name: Param;
  readonly available: Param;
  readonly limit: Param;
}

/** Selects `extensionRow`, `aboutLibraries`, and how many there are as `total_rows`. */
export function extensionsOf(inputs: Inputs) {
  return byServerVersion({ 12: select(inputs, sql`null::boolean`), 13: select(inputs, sql`v.trusted`) });
}

/** What their documentation says they do not work without, by the names of their libraries. */
const NEEDED = sql`values
          ('citus', 'citus'), ('pg_cron', 'pg_cron'), ('pg_duckdb', 'pg_duckdb'), ('pg_net', 'pg_net'), ('pg_squeeze', 'pg_squeeze'),
          ('pg_stat_kcache', 'pg_stat_kcache'), ('pg_stat_monitor', 'pg_stat_monitor'), ('pg_stat_statements', 'pg_stat_statements'),
          ('pg_tle', 'pg_tle'), ('pg_wait_sampling', 'pg_wait_sampling'), ('pgaudit', 'pgaudit'), ('pglogical', 'pglogical'),
          ('set_user', 'set_user'), ('timescaledb', 'timescaledb')`;

function select({ name, available, limit }: Inputs, trusted: Sql): Sql {
  return sql`
      with loaded as materialized (
        select array(select pg_catalog.btrim(l.library, ' "')
                       from pg_catalog.regexp_split_to_table(s.setting, ',') l (library)
                      where pg_catalog.btrim(l.library) <> '') as libraries
          from pg_catalog.pg_settings s
         where s.name = 'shared_preload_libraries'
      ),
      -- without the paths, which may be anybody's
      names as materialized (
        select pg_catalog.regexp_replace(u.library, '^.*/|[.]so$', '', 'g') as library
          from loaded o
         cross join lateral pg_catalog.unnest(o.libraries) u (library)
      ),
      needed (extension, library) as (${NEEDED}
      ),
      -- reads the files of the server, so once
      files as materialized (
        select a.name, a.default_version, a.comment from pg_catalog.pg_available_extensions a
      ),
      versions as materialized (
        select v.name, v.version, ${trusted} as trusted from pg_catalog.pg_available_extension_versions v
      ),
      listed as (
        select coalesce(e.extname, f.name) as extension, e.oid, e.extversion, e.extnamespace, e.extowner, e.extrelocatable, f.default_version, f.comment
          from pg_catalog.pg_extension e
          full join files f on f.name = e.extname
         where (e.oid is not null or ${available}::boolean)
           and ${matchesName(sql`coalesce(e.extname, f.name)`, name)}
      ),
      page as (
        select l.*, pg_catalog.count(*) over () as total_rows
          from listed l
         order by l.oid is null, l.extension
         limit ${limit}
      )
      select p.extension, p.extversion as version, p.default_version,
             case when p.extversion <> p.default_version then exists (
               select from pg_catalog.pg_extension_update_paths(p.extension) u
                where u.source = p.extversion and u.target = p.default_version and u.path is not null) end as update_path,
             (select v.version from versions v
               where v.name = p.extension and v.version ~ '^[0-9]{1,9}([.][0-9]{1,9})*$'
               order by pg_catalog.string_to_array(v.version, '.')::integer[] desc
               limit 1) as newest_version,
             n.nspname as schema, case when p.oid is not null then pg_catalog.pg_get_userbyid(p.extowner) end as owner, p.extrelocatable as relocatable,
             (select v.trusted from versions v where v.name = p.extension and v.version = coalesce(p.default_version, p.extversion)) as trusted,
             case when d.library is null or p.oid is null then null
                  when not exists (select from loaded) then 'not visible'
                  when d.library in (select s.library from names s) then 'loaded'
                  else 'missing' end as library,
             p.comment, (select pg_catalog.to_json(o.libraries) from loaded o) as preloaded, p.total_rows
        from page p
        left join pg_catalog.pg_namespace n on n.oid = p.extnamespace
        left join needed d on d.extension = p.extension
       order by p.oid is null, p.extension`;
}
