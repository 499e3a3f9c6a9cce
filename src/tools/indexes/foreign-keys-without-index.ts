import { z } from 'zod';
import {
  byServerVersion,
  defineDiagnostic,
  estimatedSize,
  gather,
  lockedRelations,
  partitionMembers,
  quoteIdentifier,
  quoteName,
  sql,
  type Finding,
  type NotExamined,
  type Sql,
} from '../kit/index.ts';

const count = z.int().min(0);
const ACTIONS = ['no action', 'restrict', 'cascade', 'set null', 'set default'] as const;

const row = {
  schema: z.string().meta({ names: 'schema' }),
  table: z.string().meta({ names: 'table' }),
  constraint: z.string(),
  columns: z.array(z.string()).meta({ names: 'column' }),
  referenced_schema: z.string().meta({ names: 'schema' }),
  referenced_table: z.string().meta({ names: 'table' }),
  referenced_columns: z.array(z.string()).meta({ names: 'column' }),
  on_delete: z.enum(ACTIONS),
  on_update: z.enum(ACTIONS),
  rows: count.nullable().describe('As of the last VACUUM or ANALYZE; null before the first.'),
  size: count
    .meta({ unit: 'bytes' })
    .describe('Of the table, or of its partitions without such an index: what every check of the key reads.'),
  referenced_size: count.meta({ unit: 'bytes' }),
  size_estimated: z.boolean(),
  partitions: count.nullable().describe('Null when the table has none.'),
  partitions_without: count.nullable().describe('Partitions that have no index for the key.'),
};
type Row = z.output<z.ZodObject<typeof row>>;

/** Names of the columns with these numbers, in their order, as JSON. */
function columnNames(relation: Sql, numbers: Sql): Sql {
  return sql`pg_catalog.to_json(array(
                 select a.attname from pg_catalog.unnest(${numbers}) with ordinality u (attnum, place)
                   join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = u.attnum
                  order by u.place))`;
}

function action(code: Sql): Sql {
  return sql`case ${code} when 'a' then 'no action' when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' else 'set default' end`;
}

/** Bytes of the main file of a table, which is what a sequential scan reads. */
function tableSize(table: Sql): Sql {
  return sql`case when ${table}.estimated then ${estimatedSize(sql`${table}.relpages`)} else pg_catalog.pg_relation_size(${table}.oid) end`;
}

export default defineDiagnostic({
  name: 'foreign_keys_without_index',
  area: 'indexes',
  title: 'Foreign keys without an index',
  description:
    'Foreign keys that no index of the referencing table serves, so that deleting a referenced row, or changing its key, reads all of it.',
  input: {
    schema: z.string().min(1).max(63).optional(),
    min_rows: count.default(1000).describe('Leave out tables that are known to have fewer rows.'),
    warn_size: count.default(4_194_304).describe('Warn of tables from this size on, in bytes; note smaller ones.'),
  },
  row,
  counted: true,
  sql: ({ schema, min_rows, limit, estimate_sizes }) => {
    const unserved = (enforced: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      keys as materialized (
        -- those that PostgreSQL adds for partitions have a parent
        select k.oid, k.conname, k.conrelid, k.conkey, k.confrelid, k.confkey, k.confdeltype, k.confupdtype, c.relkind, c.relname, n.nspname
          from pg_catalog.pg_constraint k
          join pg_catalog.pg_class c on c.oid = k.conrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where k.contype = 'f' and k.conparentid = 0 and ${enforced}
           and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
           and (${schema}::text is null or n.nspname = ${schema}::text)
      ),
      ends (root, oid, relation, columns) as (
        select k.oid, k.oid, k.conrelid, k.conkey from keys k
        union all
        -- a partition may number its columns in its own way
        select e.root, p.oid, p.conrelid, p.conkey
          from ends e
          join pg_catalog.pg_constraint p on p.conparentid = e.oid and p.contype = 'f' and p.conrelid <> e.relation
      ),
      checked as (
        select e.root, c.oid, c.relpages, c.reltuples,
               ${estimate_sizes}::boolean or exists (select from locked l where l.oid = c.oid) as estimated,
               exists (
                 -- its first key columns are those of the key, in any order, and no row is left out; a BRIN index finds no row
                 select from pg_catalog.pg_index i
                   join pg_catalog.pg_class x on x.oid = i.indexrelid and x.relam <> 3580
                  where i.indrelid = c.oid and i.indisvalid and i.indisready and i.indislive and i.indpred is null
                    and i.indnkeyatts >= pg_catalog.cardinality(e.columns)
                    and not exists (
                      select from pg_catalog.unnest(e.columns) w (attnum)
                        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = w.attnum
                       where not exists (
                         select from pg_catalog.generate_series(0, pg_catalog.cardinality(e.columns) - 1) place
                          where i.indkey[place] = w.attnum and i.indcollation[place] = a.attcollation))
               ) as served
          from ends e
          join pg_catalog.pg_class c on c.oid = e.relation and c.relkind = 'r'
      ),
      sized as materialized (
        select c.*, ${tableSize(sql`c`)} as size from checked c where not c.served
      ),
      read as materialized (
        select z.root, pg_catalog.sum(z.size)::bigint as size, pg_catalog.bool_or(z.estimated) as estimated, pg_catalog.count(*) as partitions_without,
               -- before the first VACUUM or ANALYZE reltuples is -1 (14 on) or 0 with no pages; a file without bytes has no rows
               case when pg_catalog.bool_and(z.reltuples > 0 or (z.reltuples = 0 and z.relpages > 0) or (z.size = 0 and not z.estimated))
                    then pg_catalog.round(pg_catalog.sum(greatest(z.reltuples, 0))::numeric)::bigint end as rows
          from sized z
         group by z.root
      ),
      roots as (
        select distinct k.confrelid as oid from read r join keys k on k.oid = r.root
      ),
      ${partitionMembers},
      referenced as materialized (
        select c.root, pg_catalog.bool_or(c.estimated) as estimated, pg_catalog.sum(${tableSize(sql`c`)})::bigint as size
          from (select m.root, c.oid, c.relpages, ${estimate_sizes}::boolean or exists (select from locked l where l.oid = c.oid) as estimated
                  from members m
                  join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'r') c
         group by c.root
      )
      select k.nspname as schema, k.relname as table, k.conname as constraint, ${columnNames(sql`k.conrelid`, sql`k.conkey`)} as columns,
             n.nspname as referenced_schema, f.relname as referenced_table, ${columnNames(sql`k.confrelid`, sql`k.confkey`)} as referenced_columns,
             ${action(sql`k.confdeltype`)} as on_delete, ${action(sql`k.confupdtype`)} as on_update,
             r.rows, r.size, coalesce(t.size, 0) as referenced_size, r.estimated or coalesce(t.estimated, false) as size_estimated,
             case when k.relkind = 'p' then (select pg_catalog.count(*) from checked c where c.root = k.oid) end as partitions,
             case when k.relkind = 'p' then r.partitions_without end as partitions_without,
             pg_catalog.count(*) over () as total_rows
        from read r
        join keys k on k.oid = r.root
        join pg_catalog.pg_class f on f.oid = k.confrelid
        join pg_catalog.pg_namespace n on n.oid = f.relnamespace
        left join referenced t on t.root = k.confrelid
       where r.rows is null or r.rows >= ${min_rows}::bigint
       order by r.size desc, k.nspname, k.relname, k.conname
       limit ${limit}`;
    return byServerVersion({ 12: unserved(sql`true`), 18: unserved(sql`k.conenforced`) });
  },
  findings: (rows, { input: { warn_size } }) =>
    gather(
      rows.map((row) => judgeKey(row, warn_size)),
      (many) => `${many} foreign keys have no index that serves them.`,
    ),
  notExamined: behindLocks,
});

function judgeKey(key: Row, warnSize: number): Finding {
  const { schema, table, constraint, columns, on_delete, on_update, rows, size, referenced_size } = key;
  const object = quoteName(schema, table);
  const create = (concurrently: string) =>
    `CREATE INDEX ${concurrently}ON ${object} (${columns.map(quoteIdentifier).join(', ')});`;
  return {
    severity: size >= warnSize ? 'warning' : 'notice',
    claim: `No index serves the foreign key ${quoteIdentifier(constraint)} of ${object}, so each delete of a referenced row reads all of it.`,
    object,
    evidence: {
      constraint,
      columns: columns.join(', '),
      referenced: quoteName(key.referenced_schema, key.referenced_table),
      size,
      referenced_size,
      rows,
      on_delete,
      on_update,
      ...(key.partitions !== null && { partitions: key.partitions, partitions_without: key.partitions_without }),
    },
    why: 'https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK',
    next_step:
      key.partitions === null
        ? create('CONCURRENTLY ')
        : `${create('')} -- locks out writes: a partitioned table has no CONCURRENTLY; else ON ONLY it, CONCURRENTLY on each partition, and ATTACH`,
  };
}

function behindLocks(rows: readonly Row[]): NotExamined[] {
  const locked = rows.filter(({ size_estimated }) => size_estimated);
  if (locked.length === 0) return [];
  const names = new Set(locked.map(({ schema, table }) => quoteName(schema, table)));
  return [
    {
      what: `the exact size of ${[...names].slice(0, 10).join(', ')}, or of what it references`,
      reason: 'A session holds or awaits an exclusive lock; the sizes are those of the last VACUUM or ANALYZE.',
      remedy: 'activity shows who blocks whom.',
    },
  ];
}
