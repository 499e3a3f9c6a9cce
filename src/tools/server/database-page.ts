import { z } from 'zod';
import { closedLast, byServerVersion, definePart, param, sql, type RowOf, type Sql } from '../kit/index.ts';
import { databaseColumns, databaseRow, databasesFrom, databaseSize, isThere } from './databases.ts';

/** All of them, so that those that the caller may not see are gone before a page is cut. */
export const databaseNames = definePart({
  what: 'names of databases',
  row: { oid: z.int(), database: z.string() },
  sql: byServerVersion({ 12: sql`select d.oid, d.datname as database from pg_catalog.pg_database d` }),
});

const { database, owner, size, connections, ...details } = databaseRow;
const sort = param('sort');

/** https://www.postgresql.org/docs/current/catalog-pg-database.html */
const pageWith = (locale: {
  readonly provider: Sql;
  readonly name: Sql;
  readonly version: Sql;
  readonly actual: Sql;
}) => sql`
      with page as materialized (
        -- a size is a walk through a directory
        select d.oid, d.datname, case ${sort}::text when 'size' then ${databaseSize}
                                      when 'age' then greatest(d.xid_age, d.mxid_age)
                                      when 'connections' then s.numbackends end as rank
          from ${databasesFrom}
         where d.oid = any (${param('oids')}::oid[])
         order by ${closedLast(sql`d.datname`)}, rank desc nulls last, d.datname
         limit ${param('limit')}
      )
      select case when ${sort}::text = 'size' then p.rank else ${databaseSize} end as size, ${databaseColumns},
             d.datctype as character_type, ${locale.provider} as locale_provider, ${locale.name} as locale,
             ${locale.version} as collation_version, case when ${isThere} then ${locale.actual} end as actual_collation_version,
             d.datistemplate as template, d.datconnlimit = -2 as invalid,
             s.temp_files, s.checksum_last_failure as last_checksum_failure
        from ${databasesFrom}
        join page p on p.oid = d.oid
       order by p.rank desc nulls last, d.datname`;

const PROVIDER = sql`case d.datlocprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' end`;
const ACTUAL = sql`pg_catalog.pg_database_collation_actual_version(d.oid)`;
const text = z.string().nullable();

export const databasePage = definePart({
  what: 'databases',
  row: {
    database,
    size,
    owner,
    connections,
    ...details,
    character_type: z.string(),
    locale_provider: text.describe('libc, icu or builtin.'),
    locale: text.describe('Of the provider, where it is not libc.'),
    collation_version: text.describe('That indexes were built with, as far as is recorded; PostgreSQL 15 on.'),
    actual_collation_version: text.describe('That the operating system has now.'),
    template: z.boolean(),
    invalid: z.boolean().describe('DROP DATABASE was interrupted; it can only be dropped.'),
    temp_files: z.int().min(0).nullable(),
    last_checksum_failure: z.iso.datetime().nullable(),
  },
  sql: byServerVersion({
    12: pageWith({
      provider: sql`'libc'::text`,
      name: sql`null::text`,
      version: sql`null::text`,
      actual: sql`null::text`,
    }),
    15: pageWith({ provider: PROVIDER, name: sql`d.daticulocale`, version: sql`d.datcollversion`, actual: ACTUAL }),
    17: pageWith({ provider: PROVIDER, name: sql`d.datlocale`, version: sql`d.datcollversion`, actual: ACTUAL }),
  }),
});
export type DatabaseRow = RowOf<typeof databasePage>;
