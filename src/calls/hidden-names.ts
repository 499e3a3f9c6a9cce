import { z } from 'zod';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import { compile, param, sql } from '../postgres/sql.ts';
import { likePattern, type DataPattern, type NamePart } from '../policy/data-pattern.ts';
import type { DataRules } from '../policy/policy.ts';

const shape = compileShape({
  kind: z.enum(['relation', 'dependent', 'column', 'masked', 'object', 'bound']),
  oid: z.int(),
  schema: z.string(),
  table: z.string(),
  name: z.string(),
});

/** What the rules of a persona come to in one database. */
export interface HiddenName {
  /**
   * `relation` is hidden by a rule, or inherits from one that is; `dependent` is an index, a sequence or a TOAST table
   * of what is hidden; `column` and `masked` are columns; `object` is a constraint, trigger, policy or statistics object
   * of a visible table that is about something hidden; the `bound` of a partition, or of those of a table, shows values of such a column.
   */
  readonly kind: 'relation' | 'dependent' | 'column' | 'masked' | 'object' | 'bound';
  /** Of the relation, or of the table that it belongs to. */
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** Of a column or an object; else empty. */
  readonly name: string;
}

const isRelation = sql`'pg_catalog.pg_class'::pg_catalog.regclass`;

/**
 * Relations go by their patterns and by what they are of: partitions and children of what is hidden are hidden, and so
 * are indexes, owned sequences and TOAST tables. A column is hidden in children too, and in views that show it by its name.
 */
const HIDDEN = compile(sql`
  with recursive rules (s, t, c, access) as (
    select r.*
      from rows from (pg_catalog.unnest(${param('schemas')}::pg_catalog.text[]), pg_catalog.unnest(${param('tables')}::pg_catalog.text[]),
                      pg_catalog.unnest(${param('columns')}::pg_catalog.text[]), pg_catalog.unnest(${param('accesses')}::pg_catalog.text[])) r
  ),
  named as materialized (
    select c.oid, r.c, r.access
      from (
        select n.oid, r.t, r.c, r.access
          from pg_catalog.pg_namespace n
          join rules r on n.nspname::pg_catalog.text like r.s
      ) r
      join pg_catalog.pg_class c on c.relnamespace = r.oid and c.relname::pg_catalog.text like r.t
                                -- the columns of an index are those of its table
                                and (r.c = '' or c.relkind not in ('i', 'I', 't', 'S'))
  ),
  inherited (oid) as (
    select m.oid from named m where m.c = ''
    union
    select h.inhrelid from inherited i join pg_catalog.pg_inherits h on h.inhparent = i.oid
  ),
  columns (relation, attnum, attname, access) as (
    select a.attrelid, a.attnum, a.attname, m.access
      from named m
      join pg_catalog.pg_attribute a on a.attrelid = m.oid and a.attname::pg_catalog.text like m.c and a.attnum > 0 and not a.attisdropped
     where m.c <> ''
    union
    select a.attrelid, a.attnum, a.attname, k.access
      from columns k
      join lateral (
        select h.inhrelid as oid from pg_catalog.pg_inherits h where h.inhparent = k.relation
        union all
        select w.ev_class
          from pg_catalog.pg_depend d
          join pg_catalog.pg_rewrite w on w.oid = d.objid and w.ev_class <> k.relation
         where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
           and d.refclassid = ${isRelation} and d.refobjid = k.relation and d.refobjsubid = k.attnum
      ) x on true
      join pg_catalog.pg_attribute a on a.attrelid = x.oid and a.attname = k.attname and a.attnum > 0 and not a.attisdropped
  ),
  closed as materialized (
    select distinct k.relation, k.attnum from columns k where k.access = 'denied'
  ),
  hidden (oid) as (
    select i.oid from inherited i
    union
    select i.indexrelid
      from closed k
      join pg_catalog.pg_index i on i.indrelid = k.relation and k.attnum = any (i.indkey)
    union
    select d.objid
      from closed k
      join pg_catalog.pg_depend d on d.refclassid = ${isRelation} and d.refobjid = k.relation and d.refobjsubid = k.attnum
                                 and d.classid = ${isRelation} and d.deptype in ('a', 'i')
  ),
  dependents (oid) as (
    select h.oid from hidden h
    union
    select x.oid
      from dependents h
      join lateral (
        select i.indexrelid as oid from pg_catalog.pg_index i where i.indrelid = h.oid
        union all
        select c.reltoastrelid from pg_catalog.pg_class c where c.oid = h.oid and c.reltoastrelid <> 0
        union all
        select d.objid
          from pg_catalog.pg_depend d
         where d.refclassid = ${isRelation} and d.refobjid = h.oid and d.classid = ${isRelation} and d.deptype in ('a', 'i')
      ) x on true
  ),
  objects (relation, name) as (
    select k.conrelid, k.conname
      from pg_catalog.pg_constraint k
     where k.conrelid <> 0 and k.confrelid in (select h.oid from hidden h)
    union
    select k.conrelid, k.conname
      from closed c
      join pg_catalog.pg_constraint k on k.conrelid = c.relation and c.attnum = any (k.conkey)
    union
    -- looked up in a hash: for each column, all keys would be read, which have no index by what they lead to
    select k.conrelid, k.conname
      from pg_catalog.pg_constraint k
     cross join lateral pg_catalog.unnest(k.confkey) u (attnum)
     where k.contype = 'f' and ((k.confrelid, u.attnum) in (select c.relation, c.attnum from closed c)) is true
    union
    select g.tgrelid, g.tgname
      from closed c
      join pg_catalog.pg_trigger g on g.tgrelid = c.relation and c.attnum = any (g.tgattr)
    union
    select s.stxrelid, s.stxname
      from closed c
      join pg_catalog.pg_statistic_ext s on s.stxrelid = c.relation and c.attnum = any (s.stxkeys)
    union
    select p.polrelid, p.polname
      from closed c
      join pg_catalog.pg_depend d on d.refclassid = ${isRelation} and d.refobjid = c.relation and d.refobjsubid = c.attnum
                                 and d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
      join pg_catalog.pg_policy p on p.oid = d.objid
    union
    select i.indrelid, x.relname
      from dependents h
      join pg_catalog.pg_index i on i.indexrelid = h.oid
      join pg_catalog.pg_class x on x.oid = i.indexrelid
  ),
  found (kind, oid, name) as (
    select case when i.oid is null then 'dependent' else 'relation' end, h.oid, ''
      from dependents h
      left join inherited i on i.oid = h.oid
    union all
    select case k.access when 'denied' then 'column' else 'masked' end, k.relation, k.attname from columns k
    union all
    select 'object', o.relation, o.name from objects o
    union all
    select distinct 'bound', b.oid, ''
      from columns k
      join pg_catalog.pg_partitioned_table p on p.partrelid = k.relation and (k.attnum = any (p.partattrs) or 0 = any (p.partattrs))
     cross join lateral (
       select p.partrelid as oid
       union all
       select h.inhrelid from pg_catalog.pg_inherits h where h.inhparent = p.partrelid
     ) b
  )
  select f.kind, f.oid, n.nspname as schema, c.relname as table, f.name
    from found f
    join pg_catalog.pg_class c on c.oid = f.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace`);

/** Reads what the rules hide in this database, by its catalogue, in the transaction of the session. */
export async function readHiddenNames(session: ReadOnlySession, rules: DataRules): Promise<readonly HiddenName[]> {
  const all = [
    ...rules.denied.map((pattern) => ({ pattern, access: 'denied' })),
    ...rules.masked.map((pattern) => ({ pattern, access: 'masked' })),
  ];
  const like = (part: (pattern: DataPattern) => NamePart | undefined) =>
    all.map(({ pattern }) => likePattern(part(pattern)));
  const result = await session.query(HIDDEN, {
    schemas: like(({ schema }) => schema),
    tables: like(({ table }) => table),
    columns: like(({ column }) => column),
    accesses: all.map(({ access }) => access),
  });
  return decodeRows(result, shape) as unknown as HiddenName[];
}
