import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  percentOf,
  quoteName,
  sql,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
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
       where a.attrelid = ${OID} and a.attnum > 0 and not a.attisdropped
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

/** What a sequence can give to its column: no more than the smaller of the two ranges. */
const lastUsable = sql`least(s.seqmax, case a.atttypid when 'smallint'::regtype then 32767 when 'integer'::regtype then 2147483647 else s.seqmax end)`;

export const sequences = definePart({
  what: 'sequences of its columns',
  row: {
    column: z.string().meta({ names: 'column' }),
    sequence: z.string(),
    sequence_type: z.string(),
    last_value: z.string().nullable().describe('Null when it was never used or the login may not see it.'),
    last_possible: z.string().describe('By the range of the sequence and of the column.'),
    used_percent: z.number().nullable().meta({ unit: 'percent' }),
    cycles: z.boolean(),
    visible: z.boolean(),
  },
  sql: byServerVersion({
    12: sql`
      with owned as (
        -- a: owned by the column, i: its identity; n: used in its default
        select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
          from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
           and d.refobjid = ${OID} and d.refobjsubid > 0 and d.deptype in ('a', 'i')
        union
        select d.refobjid, f.adrelid, f.adnum
          from pg_catalog.pg_attrdef f
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
                                     and d.refclassid = 'pg_catalog.pg_class'::regclass
         where f.adrelid = ${OID}
      ),
      read as materialized (
        select c.oid, c.relname, n.nspname, a.attname, a.attnum, s.seqtypid, s.seqcycle, s.seqincrement, ${lastUsable} as last_usable, v.visible,
               case when v.visible then pg_catalog.pg_sequence_last_value(c.oid) end as last_value
          from owned o
          join pg_catalog.pg_class c on c.oid = o.sequence and c.relkind = 'S' and c.relpersistence = 'p'
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          join pg_catalog.pg_sequence s on s.seqrelid = c.oid
          join pg_catalog.pg_attribute a on a.attrelid = o.relation and a.attnum = o.attnum
         cross join lateral (select pg_catalog.has_sequence_privilege(c.oid, 'USAGE, SELECT') as visible) v
      )
      select r.attname as column, pg_catalog.quote_ident(r.nspname) || '.' || pg_catalog.quote_ident(r.relname) as sequence,
             pg_catalog.format_type(r.seqtypid, null) as sequence_type, r.last_value::text as last_value, r.last_usable::text as last_possible,
             case when r.visible and r.seqincrement > 0 then ${percentOf(sql`coalesce(r.last_value, 0)`, sql`r.last_usable`)} end as used_percent,
             r.seqcycle as cycles, r.visible
        from read r
       order by r.attnum, r.nspname, r.relname`,
  }),
});

/** Nearly none left: the next busy day may use them up. */
const CRITICAL_PERCENT = 95;

export function judgeSequences(
  rows: readonly RowOf<typeof sequences>[],
  { schema, table }: { readonly schema: string; readonly table: string },
  maxPercent: number,
): Finding[] {
  return rows
    .filter(({ used_percent, cycles }) => (used_percent ?? 0) >= maxPercent && !cycles)
    .map(({ column, sequence, last_value, last_possible, used_percent }) => ({
      severity: (used_percent ?? 0) >= CRITICAL_PERCENT ? ('critical' as const) : ('warning' as const),
      claim: `The sequence ${sequence} has used ${used_percent} % of what the column can hold; inserts fail at the end.`,
      object: quoteName(schema, table),
      evidence: { column, last_value, last_possible, used_percent },
      why: 'https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT',
      next_step: `-- rewrites the table under an exclusive lock; for a large one, fill a new column first\nALTER SEQUENCE ${sequence} AS bigint;\nALTER TABLE ${quoteName(schema, table)} ALTER COLUMN "${column.replaceAll('"', '""')}" TYPE bigint;`,
    }));
}
