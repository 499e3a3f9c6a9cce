import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  lockedRelations,
  param,
  quoteLiteral,
  quoteName,
  sql,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { measuredRoots, NEEDS_STATISTICS_BYTES } from './measure.ts';

const bytes = z.int().nullable().meta({ unit: 'bytes' });
const count = z.int().min(0);

/** The relation that is described. */
export const OID = sql`${param('oid')}::oid`;

/** Whether a lock has kept a size from us before. */
export const ESTIMATE_SIZES = sql`${param('estimate_sizes')}::boolean`;

/** An expression, written out; null behind a lock, since that opens the table. `relation` is its oid. */
export function unlessLocked(relation: Sql, text: Sql): Sql {
  return sql`case when not (${ESTIMATE_SIZES} or exists (select from (${lockedRelations}) k where k.oid = ${relation})) then ${text} end`;
}

export const relation = definePart({
  what: 'the relation itself',
  row: {
    schema: z.string().meta({ names: 'schema' }),
    table: z.string().meta({ names: 'table' }),
    kind: z.enum(['table', 'partitioned_table', 'view', 'materialized_view', 'foreign_table']),
    owner: z.string(),
    comment: z.string().nullable().meta({ names: 'text' }),
    unlogged: z.boolean(),
    primary_key: z.boolean(),
    rows: count.nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
    dead_rows: count.nullable(),
    size: bytes.describe('Table, TOAST and indexes, with all partitions.'),
    table_size: bytes,
    index_size: bytes,
    toast_size: bytes,
    locked: z
      .boolean()
      .describe(
        'A session holds or awaits an exclusive lock: sizes are those of the last VACUUM or ANALYZE, expressions are left out.',
      ),
    last_vacuum: z.iso.datetime().nullable(),
    last_analyze: z.iso.datetime().nullable(),
    changed_since_analyze: count.nullable(),
    partition_key: z.string().nullable().meta({ names: 'text' }),
    partition_of: z.string().nullable().meta({ names: 'text' }),
    partition_bound: z.string().nullable().meta({ names: 'bound' }),
    partitions: count.describe('Direct ones.'),
    referenced_by: count.describe('Foreign keys of other tables.'),
    dependents: count.describe('Views that read it.'),
    row_security: z.enum(['off', 'on', 'forced']),
    replica_identity: z.enum(['default', 'nothing', 'full', 'index']),
    storage_parameters: z.array(z.string()),
    autovacuum: z
      .boolean()
      .nullable()
      .describe('False where a storage parameter of it or of a partition turns it off.'),
    access_method: z.string().nullable(),
    tablespace: z.string().nullable(),
    foreign_server: z.string().nullable(),
  },
  sql: byServerVersion({
    12: sql`
      with recursive roots as (
        select ${OID} as oid
      ),
      ${measuredRoots(ESTIMATE_SIZES)}
      select n.nspname as schema, c.relname as table,
             case c.relkind when 'r' then 'table' when 'p' then 'partitioned_table' when 'v' then 'view'
                            when 'm' then 'materialized_view' else 'foreign_table' end as kind,
             pg_catalog.pg_get_userbyid(c.relowner) as owner, pg_catalog.obj_description(c.oid, 'pg_class') as comment,
             c.relpersistence = 'u' as unlogged,
             exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary) as primary_key,
             m.rows, m.dead_rows, m.size, m.table_size, m.index_size, m.toast_size,
             coalesce(m.size_estimated, false) or exists (select from locked l where l.oid = c.oid) as locked,
             m.last_vacuum, m.last_analyze,
             case when c.relkind in ('r', 'm') and not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_stat_get_mod_since_analyze(c.oid) end as changed_since_analyze,
             case when c.relkind = 'p' then ${unlessLocked(OID, sql`pg_catalog.pg_get_partkeydef(c.oid)`)} end as partition_key,
             case when c.relispartition then (
               select pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.relname)
                 from pg_catalog.pg_inherits h
                 join pg_catalog.pg_class p on p.oid = h.inhparent
                 join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
                where h.inhrelid = c.oid
             ) end as partition_of,
             case when c.relispartition then ${unlessLocked(OID, sql`pg_catalog.pg_get_expr(c.relpartbound, c.oid)`)} end as partition_bound,
             (select pg_catalog.count(*) from pg_catalog.pg_inherits h where h.inhparent = c.oid and c.relkind = 'p') as partitions,
             (select pg_catalog.count(*) from pg_catalog.pg_constraint k
               where k.contype = 'f' and k.confrelid = c.oid
                 and not exists (select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.confrelid = k.confrelid)) as referenced_by,
             (select pg_catalog.count(distinct r.ev_class) from pg_catalog.pg_depend d
                join pg_catalog.pg_rewrite r on r.oid = d.objid
               where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
                 and d.refobjid = c.oid and r.ev_class <> c.oid) as dependents,
             case when c.relforcerowsecurity and c.relrowsecurity then 'forced' when c.relrowsecurity then 'on' else 'off' end as row_security,
             case c.relreplident when 'n' then 'nothing' when 'f' then 'full' when 'i' then 'index' else 'default' end as replica_identity,
             pg_catalog.to_json(coalesce(c.reloptions, '{}')) as storage_parameters,
             m.autovacuum, a.amname as access_method, t.spcname as tablespace, s.srvname as foreign_server
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join measured m on m.root = c.oid
        left join pg_catalog.pg_am a on a.oid = c.relam
        left join pg_catalog.pg_tablespace t on t.oid = c.reltablespace
        left join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
        left join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
       where c.oid = ${OID}`,
  }),
});
export type Relation = RowOf<typeof relation>;

/** Writing a view out opens every relation that it reads. */
export const definition = definePart({
  what: 'the definition of the view',
  row: { definition: z.string().nullable().meta({ names: 'text' }) },
  sql: byServerVersion({
    12: sql`
      select case when not ${ESTIMATE_SIZES} and not exists (
               select from (${lockedRelations}) k
                where k.oid = c.oid
                   or k.oid in (select d.refobjid
                                  from pg_catalog.pg_rewrite r
                                  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
                                 where r.ev_class = c.oid and d.refclassid = 'pg_catalog.pg_class'::regclass)
             ) then pg_catalog.pg_get_viewdef(c.oid, true) end as definition
        from pg_catalog.pg_class c
       where c.oid = ${OID} and c.relkind in ('v', 'm')`,
  }),
});

export function judgeRelation(row: Relation): Finding[] {
  const object = quoteName(row.schema, row.table);
  const { rows, size, kind, autovacuum, locked, replica_identity, last_analyze } = row;
  const findings: Finding[] = [];
  if (locked) {
    findings.push({
      severity: 'notice',
      claim: `A session holds or awaits an exclusive lock on ${object}.`,
      object,
      evidence: { locked },
      why: 'https://www.postgresql.org/docs/current/explicit-locking.html',
      next_step: `SELECT pid, mode, granted FROM pg_locks WHERE relation = ${quoteLiteral(object)}::regclass;`,
    });
  }
  if ((kind === 'table' || kind === 'partitioned_table') && !row.primary_key && row.partition_of === null) {
    findings.push({
      severity: 'notice',
      claim: `${object} has no primary key.`,
      object,
      evidence: { rows, replica_identity },
      why: 'https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS',
    });
  }
  if (autovacuum === false) {
    findings.push({
      severity: 'warning',
      claim: `Autovacuum is turned off for ${object}${kind === 'partitioned_table' ? ' or one of its partitions' : ''}.`,
      object,
      evidence: { autovacuum, dead_rows: row.dead_rows, rows },
      why: 'https://www.postgresql.org/docs/current/sql-createtable.html#RELOPTION-AUTOVACUUM-ENABLED',
      ...(kind !== 'partitioned_table' && { next_step: `ALTER TABLE ${object} RESET (autovacuum_enabled);` }),
    });
  }
  if (rows === null && size !== null && size >= NEEDS_STATISTICS_BYTES && !locked) {
    findings.push({
      severity: 'notice',
      claim: `${object} was never vacuumed or analysed, so the planner guesses its rows.`,
      object,
      evidence: { size, last_analyze },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS',
      next_step: `ANALYZE ${object};`,
    });
  }
  return findings;
}
