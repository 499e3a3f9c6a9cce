import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  lockedRelations,
  param,
  partitionMembers,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';

const limit = param('limit');

/** What each major can publish. */
interface Published {
  /** Whether `c`, a row of pg_class, is of a kind that can be published. */
  readonly kind: Sql;
  /** Selects (pubid, relid, via, filter, attributes) of what is published by its schema. */
  readonly bySchema: Sql;
  /** Of `r`, a row of pg_publication_rel. */
  readonly filter: Sql;
  readonly attributes: Sql;
  readonly schemas: Sql;
  readonly viaRoot: Sql;
  /** Of `p`, a row of pg_publication: whether stored generated columns are left out, which breaks changes. */
  readonly breaksGenerated: Sql;
  readonly generatedColumns: Sql;
}

const since12: Published = {
  kind: sql`c.relkind = 'r'`,
  bySchema: sql``,
  filter: sql`null::pg_catalog.pg_node_tree`,
  attributes: sql`null::smallint[]`,
  schemas: sql`null::json`,
  viaRoot: sql`false`,
  breaksGenerated: sql`false`,
  generatedColumns: sql`null::text`,
};
const since13: Published = { ...since12, kind: sql`c.relkind in ('r', 'p')`, viaRoot: sql`p.pubviaroot` };
const since15: Published = {
  ...since13,
  bySchema: sql`
        union all
        select n.pnpubid, t.oid, 'schema', null, null
          from pg_catalog.pg_publication_namespace n
          join publishable t on t.relnamespace = n.pnnspid`,
  filter: sql`r.prqual`,
  attributes: sql`r.prattrs::smallint[]`,
  schemas: sql`(select pg_catalog.json_agg(s.nspname order by s.nspname)
                  from pg_catalog.pg_publication_namespace n join pg_catalog.pg_namespace s on s.oid = n.pnnspid where n.pnpubid = p.oid)`,
};
const since18: Published = {
  ...since15,
  breaksGenerated: sql`p.pubgencols = 'n'`,
  generatedColumns: sql`case p.pubgencols when 'n' then 'none' when 's' then 'stored' end`,
};

/**
 * The CTEs `named`, what each publication names, by itself or through its schema, and `published`, the same without
 * partitions of tables that are published too: https://www.postgresql.org/docs/current/logical-replication-publication.html
 */
const published = ({ kind, bySchema, filter, attributes }: Published) => sql`publishable as materialized (
        -- as is_publishable_class() in pg_publication.c has it: no system tables, which have lower oids
        select c.oid, c.relnamespace, c.relname, c.relkind, c.relispartition, c.relreplident
          from pg_catalog.pg_class c
         where ${kind} and c.relpersistence = 'p' and c.oid >= 16384
           and exists (select from pg_catalog.pg_publication)
      ),
      named as materialized (
        select distinct on (o.pubid, o.relid) o.*
          from (
            select r.prpubid as pubid, r.prrelid as relid, 'table' as via, ${filter} as filter, ${attributes} as attributes
              from pg_catalog.pg_publication_rel r
            ${bySchema}
            union all
            select p.oid, t.oid, 'all tables', null, null
              from pg_catalog.pg_publication p
              join publishable t on p.puballtables
          ) o
         order by o.pubid, o.relid, o.via = 'table' desc
      ),
      published as materialized (
        select n.*
          from named n
          join publishable t on t.oid = n.relid
         where not t.relispartition
            or not exists (
                 select from pg_catalog.pg_inherits h join named a on a.relid = h.inhparent where h.inhrelid = n.relid and a.pubid = n.pubid)
      )`;

const columnNames = (relid: Sql, attributes: Sql) => sql`(
               select pg_catalog.json_agg(a.attname order by a.attnum) from pg_catalog.pg_attribute a
                where a.attrelid = ${relid} and a.attnum = any (${attributes}))`;

const publicationsWith = (columns: Published) => sql`
      with ${published(columns)},
      counts as (
        select u.pubid, pg_catalog.count(*) as tables, pg_catalog.count(u.attributes) as column_lists,
               pg_catalog.count(*) filter (where u.filter is not null) as row_filters
          from published u
         group by u.pubid
      )
      select p.pubname as publication, pg_catalog.pg_get_userbyid(p.pubowner) as owner, p.puballtables as all_tables, ${columns.schemas} as schemas,
             coalesce(c.tables, 0) as tables, coalesce(c.row_filters, 0) as row_filters, coalesce(c.column_lists, 0) as column_lists,
             p.pubinsert as inserts, p.pubupdate as updates, p.pubdelete as deletes, p.pubtruncate as truncates,
             ${columns.viaRoot} as via_root, ${columns.generatedColumns} as generated_columns
        from pg_catalog.pg_publication p
        left join counts c on c.pubid = p.oid
       order by p.pubname
       limit ${limit}`;

export const publicationRows = definePart({
  what: 'publications',
  row: {
    publication: z.string(),
    owner: z.string(),
    all_tables: z.boolean(),
    schemas: z
      .array(z.string())
      .nullable()
      .meta({ names: 'schema', withhold: 'value' })
      .describe('All tables of these. PostgreSQL 15 on.'),
    tables: z.int().min(0).describe('That it publishes now; partitions count as their table.'),
    row_filters: z.int().min(0),
    column_lists: z.int().min(0),
    inserts: z.boolean(),
    updates: z.boolean(),
    deletes: z.boolean(),
    truncates: z.boolean(),
    via_root: z.boolean().describe('Changes of partitions are published as those of the table.'),
    generated_columns: z.string().nullable().describe('none or stored. PostgreSQL 18 on.'),
  },
  sql: byServerVersion({
    12: publicationsWith(since12),
    13: publicationsWith(since13),
    15: publicationsWith(since15),
    18: publicationsWith(since18),
  }),
});
export type PublicationRow = RowOf<typeof publicationRows>;

/** pg_get_expr() would wait for a lock on the table. */
const tablesWith = (columns: Published) => sql`
      with locked as materialized (${lockedRelations}
      ),
      ${published(columns)},
      page as (
        select p.pubname, n.nspname, t.relname, t.relkind, t.relreplident, u.relid, u.via, u.filter, u.attributes
          from published u
          join pg_catalog.pg_publication p on p.oid = u.pubid
          join publishable t on t.oid = u.relid
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
         order by u.via = 'table' desc, p.pubname, n.nspname, t.relname
         limit ${limit}
      )
      select g.pubname as publication, g.nspname as schema, g.relname as table, g.via, g.relkind = 'p' as partitioned,
             case g.relreplident when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' end as replica_identity,
             case when g.attributes is not null then ${columnNames(sql`g.relid`, sql`g.attributes`)} end as columns,
             case when g.filter is not null and (${param('estimate_sizes')}::boolean or exists (select from locked l where l.oid = g.relid)) then true else false end as filter_hidden,
             case when g.filter is not null and not ${param('estimate_sizes')}::boolean and not exists (select from locked l where l.oid = g.relid)
                  then pg_catalog.pg_get_expr(g.filter, g.relid) end as row_filter
        from page g
       order by g.via = 'table' desc, g.pubname, g.nspname, g.relname`;

export const publishedTables = definePart({
  what: 'published tables',
  row: {
    publication: z.string(),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    via: z.enum(['table', 'schema', 'all tables']).describe('What the publication names.'),
    partitioned: z.boolean(),
    replica_identity: z.string().describe('Of a partitioned table, each partition has its own.'),
    columns: z.array(z.string()).nullable().meta({ names: 'column', withhold: 'value' }).describe('Null for all.'),
    row_filter: z.string().nullable().meta({ names: 'text' }),
    filter_hidden: z.boolean(),
  },
  sql: byServerVersion({
    12: tablesWith(since12),
    13: tablesWith(since13),
    15: tablesWith(since15),
  }),
});

const usable = sql`i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null`;
/** Key columns without those that are only included. */
const keyOf = sql`(i.indkey::smallint[])[0:i.indnkeyatts - 1]`;

/**
 * What UPDATE or DELETE fails for, table by table, as CheckCmdReplicaIdentity() in execReplication.c judges: rows are
 * looked at where they are, in partitions. Columns of a partition are those of its table by name.
 */
const unusableWith = (columns: Published) => sql`
      with recursive ${published(columns)},
      roots as (
        select distinct u.relid as oid from published u
      ),
      ${partitionMembers},
      leaves as materialized (
        select u.pubid, u.relid as root, u.filter, u.attributes, t.oid, t.relname, t.relnamespace, t.relreplident, p.pubname, p.pubupdate, p.pubdelete, ${columns.breaksGenerated} and u.attributes is null as breaks_generated
          from published u
          join pg_catalog.pg_publication p on p.oid = u.pubid and (p.pubupdate or p.pubdelete)
          join members m on m.root = u.relid
          join pg_catalog.pg_class t on t.oid = m.oid and t.relkind = 'r' and t.relpersistence = 'p'
      ),
      keys as materialized (
        select i.indrelid as oid, pg_catalog.array_agg(a.attname) as names, pg_catalog.bool_or(a.attgenerated = 's') as generated
          from (select distinct l.oid, l.relreplident from leaves l) l
          join pg_catalog.pg_index i on i.indrelid = l.oid and ${usable}
           and (l.relreplident = 'd' and i.indisprimary or l.relreplident = 'i' and i.indisreplident)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (${keyOf})
         group by i.indrelid
      ),
      judged as (
        select l.*, k.names as key_names,
               case when l.relreplident <> 'f' and k.oid is null then 'no_identity'
                    when l.filter is not null and l.relreplident <> 'f' and exists (
                      select from pg_catalog.regexp_matches(l.filter::text, ':varattno ([0-9]+)', 'g') v (m)
                        join pg_catalog.pg_attribute a on a.attrelid = l.root and a.attnum = (v.m)[1]::smallint
                       where not a.attname = any (k.names)) then 'row_filter'
                    when l.attributes is not null and (l.relreplident = 'f' or exists (
                      select from pg_catalog.unnest(k.names) o (name)
                       where not exists (select from pg_catalog.pg_attribute a where a.attrelid = l.root and a.attnum = any (l.attributes) and a.attname = o.name)
                      )) then 'column_list'
                    when l.breaks_generated and (k.generated or l.relreplident = 'f' and exists (
                      select from pg_catalog.pg_attribute a where a.attrelid = l.oid and a.attgenerated = 's' and not a.attisdropped)) then 'generated_column' end as problem
          from leaves l
          left join keys k on k.oid = l.oid
      ),
      tables as (
        select j.oid, j.relname, j.relnamespace, j.relreplident, j.problem, pg_catalog.json_agg(j.pubname order by j.pubname) as publications,
               pg_catalog.bool_or(j.pubupdate) as updates, pg_catalog.bool_or(j.pubdelete) as deletes,
               pg_catalog.to_json(j.key_names) as identity, pg_catalog.count(*) over (partition by j.problem) as of_problem,
               pg_catalog.row_number() over (partition by j.problem order by j.oid) as place, pg_catalog.count(*) over () as total_rows
          from judged j
         where j.problem is not null
         group by j.oid, j.relname, j.relnamespace, j.relreplident, j.problem, j.key_names
         -- some of each, however many there are of one
         order by place, j.problem
         limit ${limit}
      )
      select n.nspname as schema, t.relname as table, t.problem, t.publications, t.updates, t.deletes,
             case t.relreplident when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' end as replica_identity,
             t.identity,
             exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary and ${usable}) as primary_key,
             (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
               where i.indrelid = t.oid and ${usable} and i.indexprs is null and not i.indisprimary
                 and not exists (select from pg_catalog.pg_attribute a where a.attrelid = i.indrelid and a.attnum = any (${keyOf}) and not a.attnotnull)
               order by i.indnkeyatts, x.relname
               limit 1) as candidate,
             t.of_problem, t.total_rows
        from tables t
        join pg_catalog.pg_namespace n on n.oid = t.relnamespace
       order by pg_catalog.array_position(array['no_identity', 'row_filter', 'column_list', 'generated_column'], t.problem), n.nspname, t.relname`;

export const unusableTables = definePart({
  what: 'published tables whose UPDATE or DELETE fails',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    problem: z
      .enum(['no_identity', 'row_filter', 'column_list', 'generated_column'])
      .describe(
        'What lacks: an identity at all, or in it the columns of the filter; in the list its columns; in what is published.',
      ),
    publications: z.array(z.string()),
    updates: z.boolean().describe('Whether UPDATE fails, as these publish it.'),
    deletes: z.boolean(),
    replica_identity: z.string(),
    identity: z
      .array(z.string())
      .nullable()
      .meta({ names: 'column', withhold: 'value' })
      .describe('The columns of its replica identity.'),
    primary_key: z.boolean(),
    candidate: z
      .string()
      .nullable()
      .meta({ names: 'index', withhold: 'value' })
      .describe('A unique index that could be the identity.'),
    of_problem: z.int(),
    total_rows: z.int(),
  },
  sql: byServerVersion({
    12: unusableWith(since12),
    13: unusableWith(since13),
    15: unusableWith(since15),
    18: unusableWith(since18),
  }),
});
export type UnusableTable = RowOf<typeof unusableTables>;
