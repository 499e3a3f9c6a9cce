import { z } from 'zod';
import { checkedEnds, servesKey } from '../indexes/serving-index.ts';
import { action, columnNames } from '../indexes/unserved-key.ts';
import {
  byServerVersion,
  definePart,
  lockedRelations,
  param,
  quoteName,
  sql,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { neverChecked, notEnforced } from '../schema/judge-unvalidated.ts';
import { ESTIMATE_SIZES, OID, unlessLocked } from './relation.ts';

const constraintsWith = (enforced: Sql) => sql`
      select k.conname as constraint,
             case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'x' then 'exclusion' when 'n' then 'not null' else 'check' end as type,
             ${columnNames(sql`k.conrelid`, sql`k.conkey`)} as columns,
             -- of a check, writing it out opens the table
             case when k.contype <> 'c' then pg_catalog.pg_get_constraintdef(k.oid)
                  else ${unlessLocked(OID, sql`pg_catalog.pg_get_constraintdef(k.oid)`)} end as definition,
             k.convalidated as validated, ${enforced} as enforced, k.condeferrable as deferrable
        from pg_catalog.pg_constraint k
       where k.conrelid = ${OID}
         and (k.contype in ('p', 'u', 'x', 'c') or (k.contype = 'n' and not k.convalidated))
       order by k.contype <> 'p', k.contype, k.conname`;

export const constraints = definePart({
  what: 'constraints',
  row: {
    constraint: z.string().meta({ names: 'constraint' }),
    type: z.enum(['primary key', 'unique', 'exclusion', 'check', 'not null']),
    columns: z.array(z.string()).meta({ names: 'column' }),
    definition: z.string().nullable().meta({ names: 'text' }),
    validated: z.boolean(),
    enforced: z.boolean(),
    deferrable: z.boolean(),
  },
  sql: byServerVersion({ 12: constraintsWith(sql`true`), 18: constraintsWith(sql`k.conenforced`) }),
});

const foreignKeysWith = (enforced: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      keys as materialized (
        select k.*, true as outgoing, k.confrelid as other from pg_catalog.pg_constraint k
         where k.contype = 'f' and k.conrelid = ${OID}
           and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid)
        union all
        select k.*, false, k.conrelid from pg_catalog.pg_constraint k
         where k.contype = 'f' and k.confrelid = ${OID}
           and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.confrelid = k.confrelid)
      ),
      ${checkedEnds(ESTIMATE_SIZES)}
      select k.outgoing, k.conname as constraint, n.nspname as schema, c.relname as table,
             ${columnNames(sql`k.conrelid`, sql`k.conkey`)} as columns, ${columnNames(sql`k.confrelid`, sql`k.confkey`)} as referenced_columns,
             ${action(sql`k.confdeltype`)} as on_delete, ${action(sql`k.confupdtype`)} as on_update,
             k.condeferrable as deferrable, k.convalidated as validated, ${enforced} as enforced,
             coalesce(
               (select pg_catalog.bool_and(e.served) from checked e where e.root = k.oid),
               exists (select from pg_catalog.pg_index i
                         join pg_catalog.pg_class x on x.oid = i.indexrelid
                        where i.indrelid = k.conrelid and ${servesKey(sql`k.conkey`)})
             ) as indexed
        from keys k
        join pg_catalog.pg_class c on c.oid = k.other
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       order by k.outgoing desc, n.nspname, c.relname, k.conname
       limit ${param('limit')}::bigint + (select pg_catalog.count(*) from keys o where o.outgoing)`;

/** Each key once: those that PostgreSQL adds for partitions have a parent with the same table at this end. */
export const foreignKeys = definePart({
  what: 'foreign keys',
  row: {
    outgoing: z.boolean(),
    constraint: z.string().meta({ names: 'constraint' }),
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    columns: z.array(z.string()).meta({ names: 'column' }),
    referenced_columns: z.array(z.string()).meta({ names: 'column' }),
    on_delete: z.string(),
    on_update: z.string(),
    deferrable: z.boolean(),
    validated: z.boolean(),
    enforced: z.boolean(),
    indexed: z.boolean(),
  },
  sql: byServerVersion({ 12: foreignKeysWith(sql`true`), 18: foreignKeysWith(sql`k.conenforced`) }),
});
export type ForeignKey = RowOf<typeof foreignKeys>;

interface Named {
  readonly schema: string;
  readonly table: string;
}

export function judgeConstraints(
  rows: readonly RowOf<typeof constraints>[],
  keys: readonly ForeignKey[],
  { schema, table }: Named,
): Finding[] {
  const object = quoteName(schema, table);
  const all = [
    ...rows,
    ...keys.filter(({ outgoing }) => outgoing).map((key) => ({ ...key, type: 'foreign key' as const })),
  ];
  return [
    ...all
      .filter(({ enforced, validated }) => enforced && !validated)
      .map(({ constraint, type }) => neverChecked(object, constraint, type)),
    ...all.filter(({ enforced }) => !enforced).map(({ constraint }) => notEnforced(object, constraint)),
  ];
}
