import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  matchesName,
  param,
  sql,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { MOST } from './heap.ts';

const count = z.int().min(0);

/** The support function by which a B-tree may take equal keys for one: https://www.postgresql.org/docs/current/btree.html */
const EQUALIMAGE = sql`pg_catalog.bool_and(exists (
                   select from pg_catalog.pg_opclass o
                     join pg_catalog.pg_amproc p on p.amprocfamily = o.opcfamily and p.amproclefttype = o.opcintype and p.amprocrighttype = o.opcintype and p.amprocnum = 4
                    where o.oid = i.indclass[k.place - 1]) and coalesce((select c.collisdeterministic from pg_catalog.pg_collation c where c.oid = i.indcollation[k.place - 1]), true))`;

const indexes = (mayDeduplicate: Sql) => sql`
      with locked as materialized (${lockedRelations}
      ),
      listed as materialized (
        select i.indexrelid, i.indrelid, n.nspname, t.relname, c.relname as index, c.relpages, c.reltuples, c.reloptions,
               i.indisunique, i.indisexclusion, i.indnkeyatts, i.indnatts,
               -- it is as it was built, with an empty table
               c.relpages <= 1 and (t.relpages > 1 or t.reltuples < 0 or (t.reltuples = 0 and t.relpages = 0)) as uncounted,
               t.relrowsecurity and pg_catalog.row_security_active(t.oid) as by_rows
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i' and c.relam = 403
          join pg_catalog.pg_class t on t.oid = i.indrelid
          join pg_catalog.pg_namespace n on n.oid = t.relnamespace
         where i.indisvalid and i.indisready and i.indislive
           and c.relpersistence <> 't' and not (c.relpersistence = 'u' and pg_catalog.pg_is_in_recovery())
           and ${isUserSchema(sql`n.nspname`)}
           and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
           and (${matchesName(sql`t.relname`, param('name'))} or ${matchesName(sql`c.relname`, param('name'))})
      ),
      largest as (
        select l.*, ${param('estimate_sizes')}::boolean or exists (select from locked x where x.oid = l.indexrelid) as locked,
               pg_catalog.count(*) over () as candidates
          from listed l
         where ${estimatedSize(sql`l.relpages`)} >= ${param('min_size')}::bigint and not l.uncounted
         order by l.relpages desc, l.indexrelid
         limit ${MOST}
      ),
      uncounted as (
        select u.*
          from (select l.*, ${param('estimate_sizes')}::boolean or exists (select from locked x where x.oid = l.indexrelid) as locked, 0::bigint as candidates
                  from listed l
                 where l.uncounted
                 order by l.indexrelid
                 limit 2 * ${MOST}) u
         where not u.locked and pg_catalog.pg_relation_size(u.indexrelid) >= ${param('min_size')}::bigint
      ),
      examined as materialized (
        select l.* from largest l
        union all
        select u.* from uncounted u
      )
      select e.indexrelid as oid, e.nspname as schema, e.relname as table, e.index,
             coalesce(case when e.locked then ${estimatedSize(sql`e.relpages`)} else pg_catalog.pg_relation_size(e.indexrelid) end, 0) as size, e.locked as size_estimated,
             e.relpages as pages, case when e.relpages > 0 and e.reltuples >= 0 and not e.uncounted then e.reltuples::double precision::bigint end as rows,
             coalesce((select o.option_value::integer from pg_catalog.pg_options_to_table(e.reloptions) o where o.option_name = 'fillfactor'), 90) as fillfactor,
             e.indisunique as unique, e.indisexclusion as exclusion,
             (select n.conname from pg_catalog.pg_constraint n where n.conindid = e.indexrelid and n.contype in ('p', 'u', 'x') limit 1) as backs_constraint,
             k.columns, k.visible, k.deduplicates, pg_catalog.current_setting('block_size')::bigint as block_size, (pg_catalog.max(e.candidates) over ())::bigint as candidates
        from examined e
       cross join lateral (
         select pg_catalog.json_agg(pg_catalog.json_build_array(a.attalign, a.attlen, s.avg_width, s.null_frac, s.n_distinct) order by k.place) as columns,
                not e.by_rows and pg_catalog.bool_and(coalesce(pg_catalog.has_column_privilege(w.relation, w.attnum, 'SELECT'), false)) as visible,
                ${mayDeduplicate} and not e.indisunique and e.indnkeyatts = e.indnatts
                and not exists (select from pg_catalog.pg_options_to_table(e.reloptions) o where o.option_name = 'deduplicate_items' and not o.option_value::boolean) as deduplicates
           from pg_catalog.pg_index i
          cross join lateral pg_catalog.unnest(i.indkey::smallint[]) with ordinality k (attnum, place)
           -- the index has the attributes as it stores them, and statistics of expressions
           join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid and a.attnum = k.place
           left join pg_catalog.pg_attribute b on b.attrelid = i.indrelid and b.attnum = k.attnum and k.attnum <> 0
          cross join lateral (
            select case when k.attnum = 0 then i.indexrelid else i.indrelid end as relation, case when k.attnum = 0 then a.attnum else b.attnum end as attnum,
                   case when k.attnum = 0 then e.index else e.relname end as name, case when k.attnum = 0 then a.attname else b.attname end as column
          ) w
           left join (
             -- by names of the level above, which alone are looked up in the view, and not compared with all that it has
             select p.tablename, p.attname, p.avg_width, p.null_frac, p.n_distinct
               from pg_catalog.pg_stats p
              where p.schemaname = e.nspname and p.tablename in (e.relname, e.index) and not p.inherited
           ) s on s.tablename = w.name and s.attname = w.column
          where i.indexrelid = e.indexrelid
       ) k`;

/** What a B-tree takes, and what is known of its keys: enough to estimate how much less it could take. */
export const btree = definePart({
  what: 'B-trees and the widths of their keys',
  row: {
    oid: z.int(),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    index: z.string().meta({ names: 'index' }),
    size: count,
    size_estimated: z.boolean(),
    pages: count,
    rows: count.nullable(),
    fillfactor: z.int(),
    unique: z.boolean(),
    exclusion: z.boolean(),
    backs_constraint: z.string().nullable().meta({ names: 'constraint', withhold: 'value' }),
    columns: z.array(
      z.tuple([
        z.enum(['c', 's', 'i', 'd']),
        z.int(),
        z.number().nullable(),
        z.number().nullable(),
        z.number().nullable(),
      ]),
    ),
    visible: z.boolean(),
    deduplicates: z.boolean(),
    block_size: z.int(),
    candidates: count,
  },
  sql: byServerVersion({ 12: indexes(sql`false`), 13: indexes(EQUALIMAGE) }),
});
export type Btree = RowOf<typeof btree>;

/** What cannot be estimated: indexes of other kinds. */
export const otherIndexes = definePart({
  what: 'indexes that are no B-trees',
  row: { kind: z.string(), indexes: count, size: count },
  sql: byServerVersion({
    12: sql`
      select m.amname as kind, pg_catalog.count(*) as indexes, pg_catalog.sum(${estimatedSize(sql`c.relpages`)})::bigint as size
        from pg_catalog.pg_class c
        join pg_catalog.pg_am m on m.oid = c.relam
        join pg_catalog.pg_index i on i.indexrelid = c.oid
        join pg_catalog.pg_class t on t.oid = i.indrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'i' and c.relam <> 403 and c.relpersistence <> 't' and ${isUserSchema(sql`n.nspname`)}
         and (${param('schema')}::text is null or n.nspname = ${param('schema')}::text)
         and (${matchesName(sql`t.relname`, param('name'))} or ${matchesName(sql`c.relname`, param('name'))})
         and ${estimatedSize(sql`c.relpages`)} >= ${param('min_size')}::bigint
       group by m.amname
       order by size desc`,
  }),
});
