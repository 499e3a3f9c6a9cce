import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  isUserSchema,
  lockedRelations,
  param,
  partitionMembers,
  sql,
} from '../../kit/index.ts';

const count = z.number().min(0);
const name = { schema: z.string().meta({ names: 'schema' }), table: z.string().meta({ names: 'table' }) };

/** Relations of these names; in several schemas there may be one of each. */
const named = sql`c.relname = any (${param('names')}::name[]) and ${isUserSchema(sql`n.nspname`)} and c.relpersistence <> 't'`;

export const tables = definePart({
  what: 'the tables of the statements',
  looksUp: true,
  row: {
    ...name,
    oid: z.string(),
    kind: z.enum(['table', 'partitioned table', 'materialized view']),
    rows: count,
    size: count.meta({ unit: 'bytes' }),
    inserted: count,
    updated: count,
    hot_updated: count,
    deleted: count,
  },
  sql: byServerVersion({
    12: sql`
      with recursive roots as materialized (
        select c.oid
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'm') and ${named}
      ),
      ${partitionMembers},
      counted as (
        select m.root, pg_catalog.sum(greatest(t.reltuples, 0)) as rows, pg_catalog.sum(${estimatedSize(sql`t.relpages`)})::bigint as size,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(t.oid))::bigint as inserted,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_updated(t.oid))::bigint as updated,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_hot_updated(t.oid))::bigint as hot_updated,
               pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(t.oid))::bigint as deleted
          from members m
          -- the parent of partitions counts them too since PostgreSQL 14
          join pg_catalog.pg_class t on t.oid = m.oid and t.relkind in ('r', 'm')
         group by m.root
      )
      select n.nspname as schema, c.relname as table, c.oid::text as oid,
             case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' else 'materialized view' end as kind,
             coalesce(t.rows, 0)::float8 as rows, coalesce(t.size, 0) as size, coalesce(t.inserted, 0) as inserted, coalesce(t.updated, 0) as updated,
             coalesce(t.hot_updated, 0) as hot_updated, coalesce(t.deleted, 0) as deleted
        from roots r
        join pg_catalog.pg_class c on c.oid = r.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join counted t on t.root = c.oid
       order by n.nspname, c.relname`,
  }),
});

export const columns = definePart({
  what: 'columns and their statistics',
  looksUp: true,
  row: {
    ...name,
    column: z.string().meta({ names: 'column' }),
    type: z.string().meta({ names: 'type' }),
    of: z.string().nullable().meta({ names: 'text' }).describe('Its name again; null where its values are masked.'),
    collates_c: z.boolean(),
    width: count,
    distinct: count.nullable(),
    null_fraction: count.nullable(),
  },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, c.relname as table, a.attname as column,
             case when t.typelem <> 0 and t.typlen = -1 then e.typname || '[]' when t.typtype = 'd' then b.typname else t.typname end as type,
             a.attname as of,
             coalesce(l.collname in ('C', 'POSIX') or (l.collname = 'default' and d.datcollate in ('C', 'POSIX')), false) as collates_c,
             coalesce(s.avg_width, nullif(greatest(t.typlen, 0), 0), 32)::float8 as width,
             case when s.n_distinct < 0 then -s.n_distinct * greatest(c.reltuples, 0) else s.n_distinct end::float8 as distinct,
             s.null_frac::float8 as null_fraction
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_catalog.pg_type t on t.oid = a.atttypid
        join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
        left join pg_catalog.pg_type e on e.oid = t.typelem
        left join pg_catalog.pg_type b on b.oid = t.typbasetype
        left join pg_catalog.pg_collation l on l.oid = a.attcollation
        left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
                                       and s.inherited = (c.relkind = 'p')
       where c.relkind in ('r', 'p', 'm') and ${named}
       order by n.nspname, c.relname, a.attnum`,
  }),
});

export const keys = definePart({
  what: 'their indexes',
  looksUp: true,
  row: {
    ...name,
    index: z.string().meta({ names: 'index' }),
    method: z.string(),
    partial: z.boolean(),
    unique: z.boolean(),
    needed: z.boolean(),
    size: count.meta({ unit: 'bytes' }),
    column: z.string().nullable().meta({ names: 'column' }),
    included: z.boolean(),
    descending: z.boolean(),
    nulls_first: z.boolean(),
    plain: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, c.relname as table, x.relname as index, m.amname as method, i.indpred is not null as partial,
             i.indisunique as "unique",
             i.indisprimary or i.indisexclusion or i.indisreplident or i.indisclustered
               or exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid) as needed,
             ${estimatedSize(sql`x.relpages`)} as size, a.attname as column, k.place > i.indnkeyatts as included,
             coalesce((i.indoption::smallint[])[k.place - 1] & 1 = 1, false) as descending,
             coalesce((i.indoption::smallint[])[k.place - 1] & 2 = 2, false) as nulls_first,
             k.place > i.indnkeyatts
               or (coalesce((select o.opcdefault from pg_catalog.pg_opclass o where o.oid = (i.indclass::oid[])[k.place - 1]), false)
                   and (a.attnum is null or (i.indcollation::oid[])[k.place - 1] = a.attcollation)) as plain
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisvalid and i.indisready and i.indislive
        join pg_catalog.pg_class x on x.oid = i.indexrelid
        join pg_catalog.pg_am m on m.oid = x.relam
       cross join lateral pg_catalog.unnest((i.indkey::smallint[])) with ordinality k (attnum, place)
        left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
       where c.relkind in ('r', 'p', 'm') and ${named}
       order by n.nspname, c.relname, x.relname, k.place`,
  }),
});

export const views = definePart({
  what: 'the views of the statements',
  looksUp: true,
  row: {
    schema: z.string().meta({ names: 'schema' }),
    view: z.string().meta({ names: 'view' }),
    definition: z.string().nullable().meta({ names: 'text' }),
  },
  sql: byServerVersion({
    12: sql`
      with locked as materialized (${lockedRelations}
      )
      select n.nspname as schema, c.relname as view,
             case when not exists (select from locked) then pg_catalog.pg_get_viewdef(c.oid) end as definition
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'v' and ${named}
       order by n.nspname, c.relname`,
  }),
});

export const extensions = definePart({
  what: 'extensions that indexes need',
  row: {
    extension: z.string(),
    version: z.string(),
    schema: z.string().meta({ names: 'schema' }),
  },
  sql: byServerVersion({
    12: sql`
      select e.extname as extension, e.extversion as version, n.nspname as schema
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
       where e.extname in ('hypopg', 'pg_trgm')`,
  }),
});
