import { z } from 'zod';
import { action, columnNames } from '../indexes/unserved-key.ts';
import { byServerVersion, definePart, isUserSchema, param, sql, type RowOf, type Sql } from '../kit/index.ts';

export const RELATIONSHIP_TYPES = ['all', 'fk', 'inheritance', 'views'] as const;

/** The relation in the middle; null where the whole database, or a schema, is asked for. */
const oid = sql`${param('oid')}::oid`;
const schema = sql`${param('schema')}::text`;
const wants = (type: Sql) => sql`${param('relationship_type')}::text in ('all', ${type})`;

const names = z.array(z.string()).nullable().meta({ names: 'column' });
const yes = z.boolean().nullable();

/**
 * The CTEs `keys` and `links (kind, oid, child, parent)`: what refers to what. A key of partitioned tables is a row of
 * pg_constraint for each partition too, which only counts at the relation in the middle.
 */
const links = sql`keys as materialized (
        select k.*
          from pg_catalog.pg_constraint k
         where k.contype = 'f' and ${wants(sql`'fk'`)}
           and (k.conparentid = 0
                or (k.conrelid = ${oid}
                    and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid))
                or (k.confrelid = ${oid}
                    and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.confrelid = k.confrelid)))
      ),
      links as materialized (
        select 'foreign_key' as kind, k.oid, k.conrelid as child, k.confrelid as parent from keys k
        union all
        -- partitions only of, or as, the relation in the middle
        select case when c.relispartition then 'partition' else 'inheritance' end, null, h.inhrelid, h.inhparent
          from pg_catalog.pg_inherits h
          join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relkind in ('r', 'p', 'f')
         where ${wants(sql`'inheritance'`)} and (not c.relispartition or ${oid} in (h.inhrelid, h.inhparent))
        union all
        select distinct 'view', null::oid, r.ev_class, d.refobjid
          from pg_catalog.pg_rewrite r
          join pg_catalog.pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm')
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
                                     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> r.ev_class
          join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'm', 'f')
         where ${wants(sql`'views'`)}
           -- half of all monitoring views read the same catalogs
           and (d.refobjid >= 16384 or ${oid} in (r.ev_class, d.refobjid))
      )`;

const relationshipsWith = (enforced: Sql) => sql`
      with recursive ${links},
      ends (oid, other) as (
        select l.child, l.parent from links l union select l.parent, l.child from links l
      ),
      reached (oid, distance) as (
        select ${oid}, 0 where ${oid} is not null
        union
        select e.other, r.distance + 1
          from reached r
          join ends e on e.oid = r.oid
         where r.distance < ${param('depth')}::integer
      ),
      near as materialized (
        select r.oid, pg_catalog.min(r.distance) as distance from reached r group by r.oid
      ),
      found as (
        select l.*, case when ${oid} is not null then least(a.distance, b.distance) + 1 end as distance
          from links l
          left join near a on a.oid = l.child
          left join near b on b.oid = l.parent
         where ${oid} is null or least(a.distance, b.distance) < ${param('depth')}::integer
      )
      select f.kind, n.nspname as schema, c.relname as table,
             case when f.kind = 'foreign_key' then ${columnNames(sql`k.conrelid`, sql`k.conkey`)} end as columns,
             m.nspname as referenced_schema, p.relname as referenced_table,
             case when f.kind = 'foreign_key' then ${columnNames(sql`k.confrelid`, sql`k.confkey`)} end as referenced_columns,
             k.conname as constraint,
             case when f.kind = 'foreign_key' then ${action(sql`k.confdeltype`)} end as on_delete,
             case when f.kind = 'foreign_key' then ${action(sql`k.confupdtype`)} end as on_update,
             case k.confmatchtype when 'f' then 'full' when 'p' then 'partial' when 's' then 'simple' end as match,
             case when k.condeferred then 'initially deferred' when k.condeferrable then 'deferrable' end as deferrable,
             case when not ${enforced} then 'not enforced' when not k.convalidated then 'not valid' end as state,
             case when f.kind = 'foreign_key' then not exists (
               select from pg_catalog.pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and not a.attnotnull) end as required,
             case when f.kind = 'foreign_key' then exists (
               select from pg_catalog.pg_index i
                where i.indrelid = k.conrelid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
                  and (i.indkey::smallint[])[0:i.indnkeyatts - 1] <@ k.conkey) end as "unique",
             f.distance, pg_catalog.count(*) over () as total_rows
        from found f
        join pg_catalog.pg_class c on c.oid = f.child
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_class p on p.oid = f.parent
        join pg_catalog.pg_namespace m on m.oid = p.relnamespace
        left join keys k on k.oid = f.oid
       where c.relpersistence <> 't'
         and (${oid} is not null
              or (${isUserSchema(sql`n.nspname`)} and (${schema} is null or ${schema} in (n.nspname, m.nspname))))
       order by f.distance, pg_catalog.array_position(array['foreign_key', 'inheritance', 'view', 'partition'], f.kind),
                n.nspname, c.relname, k.conname, m.nspname, p.relname
       limit ${param('limit')}`;

export const relationships = definePart({
  what: 'relationships',
  row: {
    kind: z
      .enum(['foreign_key', 'inheritance', 'view', 'partition'])
      .describe('The table refers to, inherits from, reads or is a partition of the referenced one.'),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    columns: names,
    referenced_schema: z.string().meta({ names: 'schema' }),
    referenced_table: z.string().meta({ names: 'table' }),
    referenced_columns: names.describe('In the order of columns.'),
    constraint: z.string().nullable().meta({ names: 'constraint' }),
    on_delete: z.string().nullable(),
    on_update: z.string().nullable(),
    match: z.enum(['simple', 'full', 'partial']).nullable(),
    deferrable: z.enum(['deferrable', 'initially deferred']).nullable(),
    state: z.enum(['not valid', 'not enforced']).nullable().describe('Null of a key that holds for every row.'),
    required: yes.describe('No column is null, so each row refers to one.'),
    unique: yes.describe('At most one row refers to each.'),
    distance: z.int().min(1).nullable().describe('From the table that was asked for.'),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({ 12: relationshipsWith(sql`true`), 18: relationshipsWith(sql`k.conenforced`) }),
});
export type Relationship = Omit<RowOf<typeof relationships>, 'total_rows'>;

/** In how many keys each table is referenced; keys of partitions count once. */
export const mostReferenced = definePart({
  what: 'the most referenced tables',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    keys: z.int().min(0).describe('Foreign keys to it.'),
    from_tables: z.int().min(0),
  },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, p.relname as table, r.keys, r.from_tables
        from (
          select k.confrelid, pg_catalog.count(*) as keys, pg_catalog.count(distinct k.conrelid) as from_tables
            from pg_catalog.pg_constraint k
           where k.contype = 'f' and k.conparentid = 0 and ${oid} is null and ${wants(sql`'fk'`)}
           group by k.confrelid
        ) r
        join pg_catalog.pg_class p on p.oid = r.confrelid and p.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = p.relnamespace
       where ${schema} is null or n.nspname = ${schema}
       order by r.keys desc, n.nspname, p.relname
       limit 5`,
  }),
});
