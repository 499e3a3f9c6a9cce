import { z } from 'zod';
import { columnNames } from '../indexes/unserved-key.ts';
import { isOfExtension, isUserSchema, sql, type Param, type Sql } from '../kit/index.ts';
import { measuredPage } from '../tables/measured-page.ts';

export const keylessTable = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  kind: z.enum(['table', 'partitioned_table']),
  rows: z.int().min(0).nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  size: z.int().nullable().meta({ unit: 'bytes' }).describe('Table, TOAST and indexes, with all partitions.'),
  size_estimated: z.boolean().describe('A lock kept the size from us: it is that of the last VACUUM or ANALYZE.'),
  unique_index: z
    .string()
    .nullable()
    .meta({ names: 'index', withhold: 'value' })
    .describe('The best that there is: whole, not null, of few columns.'),
  unique_columns: z.array(z.string()).nullable().meta({ names: 'column', withhold: 'value' }),
  unique_usable: z.boolean().nullable().describe('It identifies every row: no column is nullable, no row left out.'),
  unique_constraint: z
    .string()
    .nullable()
    .meta({ names: 'constraint', withhold: 'value' })
    .describe('Whose index it is.'),
  replica_identity: z.enum(['default', 'nothing', 'full', 'index']),
  publications: z.array(z.string()).describe('That publish updates or deletes of it or of its partitions.'),
  changes_fail: z
    .boolean()
    .describe('UPDATE or DELETE fails, as they are published of it, or of a partition, without a replica identity.'),
};
export type KeylessTable = z.output<z.ZodObject<typeof keylessTable>>;

const publishedSchemas = sql`
        union all
        select c.oid, pn.pnpubid
          from pg_catalog.pg_publication_namespace pn
          join pg_catalog.pg_class c on c.relnamespace = pn.pnnspid`;

/** PostgreSQL 15 publishes schemas, too. */
export const PUBLISHED = { since12: sql``, since15: publishedSchemas } as const;

/** Selects `keylessTable`, and how many there are as `total_rows`. */
export function keylessTables(
  { schema, limit, estimateSizes }: Readonly<Record<'schema' | 'limit' | 'estimateSizes', Param>>,
  ofSchemas: Sql,
): Sql {
  return sql`
      with recursive keyless as materialized (
        select c.oid, n.nspname, c.relname, c.relkind, c.relreplident, c.relpersistence
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
           and ${isUserSchema(sql`n.nspname`)}
           and (${schema}::text is null or n.nspname = ${schema}::text)
           and not exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)
           and not ${isOfExtension(sql`'pg_catalog.pg_class'`, sql`c.oid`)}
      ),
      published (oid, publication) as materialized (
        select pr.prrelid, pr.prpubid from pg_catalog.pg_publication_rel pr${ofSchemas}
      ),
      -- what is published of a table is published of its partitions
      tree (root, oid, relkind, relreplident, publications) as (
        select k.oid, k.oid, k.relkind, k.relreplident,
               array(select p.oid from pg_catalog.pg_publication p where p.puballtables and k.relpersistence = 'p')
               || array(select p.publication from published p where p.oid = k.oid)
          from keyless k
        union all
        select t.root, c.oid, c.relkind, c.relreplident, t.publications || array(select p.publication from published p where p.oid = c.oid)
          from tree t
          join pg_catalog.pg_inherits h on h.inhparent = t.oid
          join pg_catalog.pg_class c on c.oid = h.inhrelid
         where t.relkind = 'p'
      ),
      judged as materialized (
        select t.root, pg_catalog.bool_or(
                 t.relkind = 'r'
                 and exists (select from pg_catalog.pg_publication p where p.oid = any (t.publications) and (p.pubupdate or p.pubdelete))
                 and case t.relreplident when 'f' then false when 'n' then true
                          else not exists (
                            select from pg_catalog.pg_index i
                             where i.indrelid = t.oid and i.indisvalid and case t.relreplident when 'i' then i.indisreplident else i.indisprimary and i.indimmediate end) end
               ) as changes_fail
          from tree t
         group by t.root
      ),
      roots as materialized (
        select k.*, coalesce(j.changes_fail, false) as changes_fail from keyless k left join judged j on j.root = k.oid
      ),
      ${measuredPage({ orderBy: sql`r.changes_fail desc, m.size`, limit, estimateSizes })}
      select p.nspname as schema, p.relname as table, case p.relkind when 'p' then 'partitioned_table' else 'table' end as kind,
             p.rows, coalesce(x.size, p.size) as size, coalesce(p.size_estimated, false) and x.oid is null as size_estimated,
             u.relname as unique_index, u.columns as unique_columns, u.usable as unique_usable, u.backs as unique_constraint,
             case p.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' else 'default' end as replica_identity,
             pg_catalog.to_json(array(
               select distinct b.pubname
                 from tree t
                 join pg_catalog.pg_publication b on b.oid = any (t.publications) and (b.pubupdate or b.pubdelete)
                where t.root = p.oid
                order by 1)) as publications,
             p.changes_fail, p.total_rows
        from page p
        left join exact x on x.oid = p.oid
        left join lateral (
          select c.relname, ${columnNames(sql`i.indrelid`, sql`(i.indkey::smallint[])[0:i.indnkeyatts - 1]`)} as columns,
                 i.indpred is null and i.indexprs is null and i.indimmediate and not exists (
                   select from pg_catalog.pg_attribute a
                    where a.attrelid = i.indrelid and a.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1]) and not a.attnotnull) as usable,
                 (select k.conname from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype = 'u' limit 1) as backs
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
           where i.indrelid = p.oid and i.indisunique and i.indisvalid
           order by usable desc, i.indnkeyatts, c.relname
           limit 1
        ) u on true
       order by p.changes_fail desc, coalesce(x.size, p.size) desc nulls last, p.nspname, p.relname`;
}
