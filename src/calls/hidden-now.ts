import { z } from 'zod';
import { compileShape, decodeRows } from '../postgres/exact-values.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import { compile, param, sql } from '../postgres/sql.ts';
import type { DataPattern } from '../policy/data-pattern.ts';
import type { DataRules } from '../policy/policy.ts';
import type { HiddenData } from './hidden-data.ts';

/** Something of a database that an answer is about to show. */
export interface Shown {
  /** Of a relation, or of a function or type. */
  readonly oid: number;
  readonly isRelation: boolean;
  readonly columns: readonly string[];
}

const shape = compileShape({
  kind: z.enum(['relation', 'column', 'other', 'schema']),
  oid: z.int(),
  column: z.string(),
  schema: z.string(),
  name: z.string(),
});

interface Named {
  readonly kind: 'relation' | 'column' | 'other' | 'schema';
  /** Of what is shown, whose fate depends on what is named. */
  readonly oid: number;
  readonly column: string;
  readonly schema: string;
  readonly name: string;
}

/**
 * What is called how now, of all that decides whether something shown is hidden: itself and what it inherits from, and of
 * a column those that it is of the same name in parents and in what a view reads. The ways back of `hidden-names.ts`, each
 * by an index.
 */
const NAMED = compile(sql`
  with recursive relations (root, oid) as (
    select o.oid, o.oid from pg_catalog.unnest(${param('relations')}::pg_catalog.oid[]) o (oid)
    union
    select r.root, h.inhparent from relations r join pg_catalog.pg_inherits h on h.inhrelid = r.oid
  ),
  columns (root, attname, relation) as (
    select a.attrelid, a.attname, a.attrelid
      from rows from (pg_catalog.unnest(${param('tables')}::pg_catalog.oid[]), pg_catalog.unnest(${param('columns')}::pg_catalog.text[])) s (oid, name)
      join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attname = s.name::pg_catalog.name and a.attnum > 0 and not a.attisdropped
    union
    select k.root, k.attname, x.oid
      from columns k
      join lateral (
        select a.attrelid as oid
          from pg_catalog.pg_inherits h
          join pg_catalog.pg_attribute a on a.attrelid = h.inhparent and a.attname = k.attname
         where h.inhrelid = k.relation
        union all
        select a.attrelid
          from pg_catalog.pg_rewrite w
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
                                     and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attname = k.attname
         where w.ev_class = k.relation
      ) x on true
  )
  select f.kind, f.root as oid, f.attname as "column", n.nspname as schema, c.relname as name
    from (
      select 'relation' as kind, r.root, '' as attname, r.oid from relations r
      union all
      select 'column', k.root, k.attname, k.relation from columns k
    ) f
    join pg_catalog.pg_class c on c.oid = f.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  union all
  select 'other', o.oid, '', n.nspname, o.name
    from (
      select f.oid, f.pronamespace as namespace, f.proname as name from pg_catalog.pg_proc f where f.oid = any (${param('others')}::pg_catalog.oid[])
      union all
      select t.oid, t.typnamespace, t.typname from pg_catalog.pg_type t where t.oid = any (${param('others')}::pg_catalog.oid[])
    ) o
    join pg_catalog.pg_namespace n on n.oid = o.namespace
  union all
  select 'schema', 0, '', n.nspname, '' from pg_catalog.pg_namespace n where n.nspname = any (${param('schemas')}::pg_catalog.text[]::pg_catalog.name[])`);

/**
 * Whether all of it may be shown as the catalogue is now, where `hidden` was read a moment ago. False too where anything
 * is gone or called otherwise.
 */
export async function mayStillShow(
  session: ReadOnlySession,
  { rules, hidden }: { readonly rules: DataRules; readonly hidden: HiddenData },
  { shown, schemas }: { readonly shown: readonly Shown[]; readonly schemas: readonly string[] },
): Promise<boolean> {
  const columns = shown.flatMap(({ oid, columns: names }) => names.map((name) => ({ oid, name })));
  const result = await session.query(NAMED, {
    relations: shown.flatMap(({ oid, isRelation }) => (isRelation ? oid : [])),
    others: shown.flatMap(({ oid, isRelation }) => (isRelation ? [] : oid)),
    tables: columns.map(({ oid }) => oid),
    columns: columns.map(({ name }) => name),
    schemas,
  });
  const named = decodeRows(result, shape) as unknown as Named[];
  if (named.some((each) => isHiddenNow(each, rules, hidden))) return false;
  const found = new Set(
    named.map(({ kind, oid, column, schema }) => keyOf(kind, kind === 'schema' ? schema : oid, column)),
  );
  const wanted = [
    ...shown.map(({ oid, isRelation }) => keyOf(isRelation ? 'relation' : 'other', oid)),
    ...columns.map(({ oid, name }) => keyOf('column', oid, name)),
    ...schemas.map((schema) => keyOf('schema', schema)),
  ];
  return wanted.every((each) => found.has(each));
}

function isHiddenNow({ kind, oid, column, schema, name }: Named, rules: DataRules, hidden: HiddenData): boolean {
  if (kind === 'column') {
    // what a view reads may be hidden as a whole, which hides no column of the view
    const isNamed = (pattern: DataPattern) =>
      pattern.column?.matches(column) === true && pattern.schema.matches(schema) && pattern.table.matches(name);
    return rules.denied.some(isNamed) || (rules.masked.some(isNamed) && !hidden.isMasked({ oid }, column));
  }
  if (rules.schema(schema).access !== 'visible') return true;
  if (kind === 'relation') return rules.relation(schema, name).access !== 'visible';
  return kind === 'other' && hidden.mentions(name);
}

function keyOf(kind: Named['kind'], of: string | number, column = ''): string {
  return JSON.stringify([kind, of, column]);
}
