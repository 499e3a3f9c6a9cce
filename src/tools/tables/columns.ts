import { z } from 'zod';
import { byServerVersion, definePart, matchesName, param, sql, type Sql } from '../kit/index.ts';
import { OID, unlessLocked } from './relation.ts';

const columnsWith = (virtual: Sql) => sql`
      select a.attname as column, pg_catalog.format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
             case when a.attgenerated = '' then ${unlessLocked(OID, sql`pg_catalog.pg_get_expr(d.adbin, d.adrelid)`)} end as default,
             case a.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity,
             case when a.attgenerated <> '' then ${virtual} end as generated,
             case when a.attgenerated <> '' then ${unlessLocked(OID, sql`pg_catalog.pg_get_expr(d.adbin, d.adrelid)`)} end as generated_as,
             case when a.attcollation <> t.typcollation then pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname) end as collation,
             pg_catalog.col_description(a.attrelid, a.attnum) as comment
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid
        left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        left join pg_catalog.pg_collation l on l.oid = a.attcollation
        left join pg_catalog.pg_namespace n on n.oid = l.collnamespace
       where a.attrelid = ${OID} and a.attnum > 0 and not a.attisdropped and ${matchesName(sql`a.attname`, param('column'))}
       order by a.attnum`;

export const columns = definePart({
  what: 'columns',
  row: {
    column: z.string().meta({ names: 'column' }),
    type: z.string(),
    nullable: z.boolean(),
    default: z.string().nullable().meta({ names: 'text' }),
    identity: z.enum(['always', 'by default']).nullable(),
    generated: z.enum(['stored', 'virtual']).nullable(),
    generated_as: z.string().nullable().meta({ names: 'text' }),
    collation: z.string().nullable().describe('Where it is not that of the type.'),
    comment: z.string().nullable().meta({ names: 'text' }),
  },
  sql: byServerVersion({
    12: columnsWith(sql`'stored'`),
    18: columnsWith(sql`case a.attgenerated when 'v' then 'virtual' else 'stored' end`),
  }),
});
