import { z } from 'zod';
import { byServerVersion, isUserSchema, lockedRelations, sql, type Param, type Sql } from '../kit/index.ts';
import { columnNames } from '../indexes/unserved-key.ts';

const KINDS = [
  'check',
  'foreign key',
  'not null',
  'primary key',
  'unique',
  'exclusion',
  'domain check',
  'trigger',
  'rule',
] as const;

export const unvalidatedRow = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }).describe('Or domain.'),
  kind: z.enum(KINDS),
  name: z.string().meta({ names: 'constraint' }),
  state: z
    .enum(['not valid', 'not enforced', 'disabled'])
    .describe('Never checked for older rows; declared only; its triggers, or it, disabled.'),
  definition: z.string().nullable().meta({ names: 'text' }),
  columns: z.array(z.string()).nullable().meta({ names: 'column' }),
  referenced_schema: z.string().nullable().meta({ names: 'schema' }),
  referenced_table: z.string().nullable().meta({ names: 'table' }),
  referenced_columns: z.array(z.string()).nullable().meta({ names: 'column' }),
  rows: z.int().min(0).nullable().describe('Of the table, as of the last VACUUM or ANALYZE.'),
  disabled_triggers: z.int().min(0).describe('That check it, on its tables and their partitions.'),
  enable: z.array(z.string()).describe('Statements that enable the first of them again.'),
};
export type UnvalidatedRow = z.output<z.ZodObject<typeof unvalidatedRow>>;

interface Inputs {
  readonly schema: Param;
  readonly limit: Param;
  readonly estimateSizes: Param;
}

/**
 * Selects `unvalidatedRow`, and how many there are as `total_rows`. A constraint or trigger of a partitioned table, or
 * of a parent, is one, though its partitions and children have it too.
 */
export function unvalidatedConstraints(inputs: Inputs) {
  // in 12 to 14, the clones of a trigger are internal
  const before13 = { enforced: sql`true`, isTrigger: sql`not g.tgisinternal` };
  const since13 = {
    enforced: sql`true`,
    isTrigger: sql`(not g.tgisinternal or (g.tgparentid <> 0 and g.tgconstraint = 0))
                   and not exists (select from disabled o where o.oid = g.tgparentid)`,
  };
  return byServerVersion({
    12: select(inputs, before13),
    13: select(inputs, since13),
    18: select(inputs, { ...since13, enforced: sql`k.conenforced` }),
  });
}

function select(
  { schema, limit, estimateSizes }: Inputs,
  { enforced, isTrigger }: { readonly enforced: Sql; readonly isTrigger: Sql },
): Sql {
  return sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      disabled as materialized (
        select g.* from pg_catalog.pg_trigger g where g.tgenabled = 'D'
      ),
      -- the keys of partitions belong to that of the table
      of_constraint (trigger, oid, parent) as (
        select d.oid, k.oid, k.conparentid
          from disabled d
          join pg_catalog.pg_constraint k on k.oid = d.tgconstraint and d.tgisinternal
        union all
        select c.trigger, k.oid, k.conparentid
          from of_constraint c
          join pg_catalog.pg_constraint k on k.oid = c.parent
      ),
      found (kind, oid, state) as materialized (
        select case when k.contypid <> 0 then 'domain check'
                    else case k.contype when 'c' then 'check' when 'f' then 'foreign key' else 'not null' end end,
               k.oid, case when ${enforced} then 'not valid' else 'not enforced' end
          from pg_catalog.pg_constraint k
         where not k.convalidated and k.contype in ('c', 'f', 'n') and k.conparentid = 0 and (k.conislocal or k.coninhcount = 0)
        union all
        select distinct case k.contype when 'f' then 'foreign key' when 'p' then 'primary key' when 'u' then 'unique' else 'exclusion' end,
               k.oid, 'disabled'
          from of_constraint o
          join pg_catalog.pg_constraint k on k.oid = o.oid and k.conparentid = 0
        union all
        select 'trigger', g.oid, 'disabled' from disabled g where ${isTrigger}
        union all
        select 'rule', r.oid, 'disabled' from pg_catalog.pg_rewrite r where r.ev_enabled = 'D'
      ),
      named as materialized (
        select f.*, coalesce(k.conname, g.tgname, r.rulename) as name, coalesce(nullif(k.conrelid, 0), g.tgrelid, r.ev_class) as relation,
               coalesce(y.typname, c.relname) as "table", n.nspname, k.conrelid, k.conkey, k.confrelid, k.confkey, k.contypid, c.reltuples, c.relpages
          from found f
          left join pg_catalog.pg_constraint k on k.oid = f.oid and f.kind not in ('trigger', 'rule')
          left join pg_catalog.pg_trigger g on g.oid = f.oid and f.kind = 'trigger'
          left join pg_catalog.pg_rewrite r on r.oid = f.oid and f.kind = 'rule'
          left join pg_catalog.pg_type y on y.oid = k.contypid and k.contypid <> 0
          left join pg_catalog.pg_class c on c.oid = coalesce(nullif(k.conrelid, 0), g.tgrelid, r.ev_class)
          join pg_catalog.pg_namespace n on n.oid = coalesce(y.typnamespace, c.relnamespace)
         where (c.oid is null or c.relpersistence <> 't')
           and ${isUserSchema(sql`n.nspname`)} and (${schema}::text is null or n.nspname = ${schema}::text)
      ),
      -- the triggers of a constraint, or the trigger itself
      checks (oid, trigger) as (
        select o.oid, o.trigger from of_constraint o
        union all
        select f.oid, f.oid from found f where f.kind = 'trigger'
      ),
      page as (
        select m.*, pg_catalog.count(*) over () as total_rows
          from named m
         order by m.state, m.nspname, m."table", m.kind, m.name
         limit ${limit}
      )
      select p.nspname as schema, p."table" as table, p.kind, p.name, p.state,
             -- writing them out may open the tables
             case when ${estimateSizes}::boolean or exists (select from locked l where l.oid in (p.relation, p.confrelid)) then null
                  when p.kind = 'trigger' then pg_catalog.pg_get_triggerdef(p.oid, true)
                  when p.kind <> 'rule' then pg_catalog.pg_get_constraintdef(p.oid) end as definition,
             case when p.conkey is not null then ${columnNames(sql`p.conrelid`, sql`p.conkey`)} end as columns,
             fn.nspname as referenced_schema, fc.relname as referenced_table,
             case when fc.oid is not null then ${columnNames(sql`p.confrelid`, sql`p.confkey`)} end as referenced_columns,
             case when p.reltuples > 0 or (p.reltuples = 0 and p.relpages > 0) then pg_catalog.round(p.reltuples::numeric)::bigint end as rows,
             case when p.state = 'disabled' then (select pg_catalog.count(*) from checks o where o.oid = p.oid) else 0 end as disabled_triggers,
             pg_catalog.to_json(array(
               select pg_catalog.format('ALTER TABLE %I.%I ENABLE TRIGGER %I;', tn.nspname, tc.relname, d.tgname)
                 from checks o
                 join disabled d on d.oid = o.trigger
                 join pg_catalog.pg_class tc on tc.oid = d.tgrelid
                 join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
                where o.oid = p.oid and p.state = 'disabled'
                order by 1
                limit 5)) as enable,
             p.total_rows
        from page p
        left join pg_catalog.pg_class fc on fc.oid = p.confrelid
        left join pg_catalog.pg_namespace fn on fn.oid = fc.relnamespace
       order by p.state, p.nspname, p."table", p.kind, p.name`;
}
