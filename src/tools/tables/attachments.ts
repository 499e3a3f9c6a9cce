import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  param,
  quoteLiteral,
  quoteName,
  sql,
  type Finding,
  type RowOf,
} from '../kit/index.ts';
import { defaultNotEmpty } from '../partitions/judge-partitions.ts';
import { disabledTrigger } from '../schema/judge-unvalidated.ts';
import { measuredRoots } from './measure.ts';
import { ESTIMATE_SIZES, OID, unlessLocked, type Relation } from './relation.ts';

const limit = param('limit');
const schema = z.string().meta({ names: 'schema' });
const table = z.string().meta({ names: 'table' });
const text = z.string().nullable().meta({ names: 'text' });

export const partitions = definePart({
  what: 'partitions',
  row: {
    schema,
    table,
    bound: z.string().nullable().meta({ names: 'bound' }),
    default: z.boolean(),
    rows: z.int().nullable(),
    size: z.int().nullable().meta({ unit: 'bytes' }),
    partitions: z.int().min(0).describe('Below it.'),
  },
  sql: byServerVersion({
    12: sql`
      with recursive roots as materialized (
        select c.oid, c.relname, c.relnamespace, c.relpartbound,
               c.oid = (select t.partdefid from pg_catalog.pg_partitioned_table t where t.partrelid = h.inhparent) as is_default
          from pg_catalog.pg_inherits h
          join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
         where h.inhparent = ${OID}
         order by is_default desc, c.relname desc
         limit ${limit}
      ),
      ${measuredRoots(ESTIMATE_SIZES)}
      select n.nspname as schema, r.relname as table,
             case when r.is_default then 'DEFAULT'
                  when not (${ESTIMATE_SIZES} or exists (select from locked l where l.oid = r.oid)) then pg_catalog.pg_get_expr(r.relpartbound, r.oid) end as bound,
             r.is_default as default, m.rows, m.size, coalesce(m.partitions, 0) as partitions
        from roots r
        join pg_catalog.pg_namespace n on n.oid = r.relnamespace
        left join measured m on m.root = r.oid
       order by r.is_default, r.relname`,
  }),
});

export const inheritance = definePart({
  what: 'inheritance',
  row: { parent: z.boolean().describe('Whether it is a parent; else a child.'), schema, table },
  sql: byServerVersion({
    12: sql`
      select q.parent, n.nspname as schema, c.relname as table
        from (
          select true as parent, h.inhparent as oid, h.inhseqno as place from pg_catalog.pg_inherits h where h.inhrelid = ${OID}
          union all
          select false, h.inhrelid, 0 from pg_catalog.pg_inherits h where h.inhparent = ${OID}
        ) q
        join pg_catalog.pg_class c on c.oid = q.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where not exists (select from pg_catalog.pg_class p where p.relispartition and p.oid = case when q.parent then ${OID} else q.oid end)
       order by q.parent desc, q.place, n.nspname, c.relname
       limit ${limit}`,
  }),
});

export const triggers = definePart({
  what: 'triggers',
  row: {
    trigger: z.string().meta({ names: 'trigger' }),
    function: z.string().meta({ names: 'function' }),
    enabled: z.enum(['origin', 'replica', 'always', 'disabled']),
    definition: text,
  },
  sql: byServerVersion({
    12: sql`
      select t.tgname as trigger, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) as function,
             case t.tgenabled when 'D' then 'disabled' when 'R' then 'replica' when 'A' then 'always' else 'origin' end as enabled,
             ${unlessLocked(OID, sql`pg_catalog.pg_get_triggerdef(t.oid, true)`)} as definition
        from pg_catalog.pg_trigger t
        join pg_catalog.pg_proc p on p.oid = t.tgfoid
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
       where t.tgrelid = ${OID} and not t.tgisinternal
       order by t.tgname
       limit ${limit}`,
  }),
});

export const policies = definePart({
  what: 'row-security policies',
  row: {
    policy: z.string().meta({ names: 'policy' }),
    command: z.string(),
    permissive: z.boolean(),
    roles: z.array(z.string()),
    using: text,
    with_check: text,
  },
  sql: byServerVersion({
    12: sql`
      select p.polname as policy,
             case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
             p.polpermissive as permissive,
             pg_catalog.to_json(array(
               select case when u.role = 0 then 'public' else pg_catalog.pg_get_userbyid(u.role)::text end
                 from pg_catalog.unnest(p.polroles) u (role) order by 1)) as roles,
             ${unlessLocked(OID, sql`pg_catalog.pg_get_expr(p.polqual, p.polrelid)`)} as using,
             ${unlessLocked(OID, sql`pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)`)} as with_check
        from pg_catalog.pg_policy p
       where p.polrelid = ${OID}
       order by p.polname
       limit ${limit}`,
  }),
});

export const statistics = definePart({
  what: 'extended statistics',
  row: { statistics: z.string(), definition: text },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname) as statistics,
             ${unlessLocked(OID, sql`pg_catalog.pg_get_statisticsobjdef(s.oid)`)} as definition
        from pg_catalog.pg_statistic_ext s
        join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
       where s.stxrelid = ${OID}
       order by n.nspname, s.stxname
       limit ${limit}`,
  }),
});

export const dependents = definePart({
  what: 'views that read it',
  row: { schema, view: z.string().meta({ names: 'table' }), materialized: z.boolean() },
  sql: byServerVersion({
    12: sql`
      select n.nspname as schema, c.relname as view, c.relkind = 'm' as materialized
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.oid <> ${OID}
         and c.oid in (select r.ev_class
                         from pg_catalog.pg_depend d
                         join pg_catalog.pg_rewrite r on r.oid = d.objid
                        where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
                          and d.refobjid = ${OID})
       order by n.nspname, c.relname
       limit ${limit}`,
  }),
});

export function judgeAttachments(
  relation: Relation,
  parts: {
    readonly partitions: readonly RowOf<typeof partitions>[];
    readonly triggers: readonly RowOf<typeof triggers>[];
    readonly policies: readonly RowOf<typeof policies>[];
  },
): Finding[] {
  const object = quoteName(relation.schema, relation.table);
  return [
    ...parts.partitions
      .filter((partition) => partition.default && partition.rows !== 0 && !relation.locked)
      .map((partition) => defaultNotEmpty(object, partition)),
    ...parts.triggers
      .filter(({ enabled }) => enabled === 'disabled')
      .map(({ trigger }) => disabledTrigger(object, trigger)),
    ...judgeRowSecurity(relation, parts.policies.length, object),
  ];
}

export function judgeRowSecurity(
  { row_security }: Pick<Relation, 'row_security'>,
  policies: number,
  object: string,
): Finding[] {
  if (policies === 0 || row_security !== 'off') return [];
  return [
    {
      severity: 'warning',
      claim: `${object} has policies, but its row security is off: every row is seen by whoever may read it.`,
      object,
      evidence: { policies, row_security },
      why: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
      next_step: [
        `SELECT polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = ${quoteLiteral(object)}::regclass;`,
        '-- when they say what is meant: rows that no policy admits vanish at once for all but owner and BYPASSRLS',
        `ALTER TABLE ${object} ENABLE ROW LEVEL SECURITY;`,
      ].join('\n'),
    },
  ];
}
