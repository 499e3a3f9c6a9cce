import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  gather,
  lockedRelations,
  partitionMembers,
  quoteName,
  sql,
  type Finding,
  type RowOf,
  type Sql,
} from '../kit/index.ts';
import { ESTIMATE_SIZES, OID } from './relation.ts';

const indexesWith = (lastScan: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      own as materialized (
        -- a vector cast to an array counts from 0, and a slice of it from 1
        select i.*, (i.indkey::smallint[])[0:] as keys, (i.indclass::oid[])[0:] as classes, (i.indcollation::oid[])[0:] as collations,
               (i.indoption::smallint[])[0:] as options, c.relname, c.relam, c.relkind, c.relpages,
               i.indexprs is not null or i.indpred is not null as has_terms,
               ${ESTIMATE_SIZES} or exists (select from locked l where l.oid in (i.indexrelid, i.indrelid)) as locked,
               (select k.conname from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x') limit 1) as backs
          from pg_catalog.pg_index i
          join pg_catalog.pg_class c on c.oid = i.indexrelid
         where i.indrelid = ${OID}
      ),
      roots as (
        select o.indexrelid as oid from own o
      ),
      ${partitionMembers},
      counted as (
        select m.root, pg_catalog.sum(pg_catalog.pg_stat_get_numscans(c.oid))::bigint as scans, pg_catalog.max(${lastScan}) as last_scan,
               pg_catalog.sum(case when ${ESTIMATE_SIZES} or exists (select from locked l where l.oid in (c.oid, i.indrelid, ${OID})) then ${estimatedSize(sql`c.relpages`)}
                                   else pg_catalog.pg_relation_size(c.oid) end)::bigint as size
          from members m
          join pg_catalog.pg_class c on c.oid = m.oid and c.relkind = 'i'
          join pg_catalog.pg_index i on i.indexrelid = c.oid
         group by m.root
      )
      select a.relname as index,
             -- it opens the table, so it would wait for a lock on it
             case when not a.locked then pg_catalog.pg_get_indexdef(a.indexrelid) end as definition,
             a.indisprimary as "primary", a.indisunique as "unique", a.indisvalid and a.indisready and a.indislive as valid,
             a.indisreplident as replica_identity, a.backs as backs_constraint,
             s.size, coalesce(s.scans, 0) as scans, s.last_scan,
             (select b.relname from own b
               where b.indexrelid <> a.indexrelid and b.relam = a.relam and b.indisvalid and a.indisvalid
                 and not (a.indisunique or a.indisprimary or a.indisreplident or a.backs is not null or a.has_terms or b.has_terms)
                 and ((a.keys = b.keys and a.indnkeyatts = b.indnkeyatts and a.classes = b.classes and a.collations = b.collations and a.options = b.options
                       and (b.indisunique or b.backs is not null or a.indexrelid > b.indexrelid))
                   or (a.relam = 403 and a.indnatts = a.indnkeyatts and a.indnkeyatts < b.indnkeyatts
                       and a.keys = b.keys[1:a.indnkeyatts] and a.classes = b.classes[1:a.indnkeyatts]
                       and a.collations = b.collations[1:a.indnkeyatts] and a.options = b.options[1:a.indnkeyatts]))
               order by b.indisprimary desc, b.indisunique desc, b.relname
               limit 1) as covered_by,
             a.relkind = 'I' as partitioned,
             exists (select from pg_catalog.pg_stat_progress_create_index p
                      where p.index_relid = a.indexrelid or (p.relid = a.indrelid and p.index_relid = 0)) as being_built
        from own a
        left join counted s on s.root = a.indexrelid
       order by a.indisprimary desc, a.indisunique desc, a.relname`;

export const indexes = definePart({
  what: 'indexes',
  row: {
    index: z.string(),
    definition: z.string().nullable().meta({ names: 'text' }),
    primary: z.boolean(),
    unique: z.boolean(),
    valid: z.boolean(),
    replica_identity: z.boolean(),
    backs_constraint: z.string().nullable(),
    size: z.int().nullable().meta({ unit: 'bytes' }),
    scans: z.int().min(0).describe('On this server, since its counters were reset.'),
    last_scan: z.iso.datetime().nullable(),
    covered_by: z.string().nullable().describe('An index that does all that this one does.'),
    partitioned: z.boolean(),
    being_built: z.boolean(),
  },
  sql: byServerVersion({
    12: indexesWith(sql`null::timestamp with time zone`),
    16: indexesWith(sql`pg_catalog.pg_stat_get_lastscan(c.oid)`),
  }),
});
export type TableIndex = RowOf<typeof indexes>;

export function judgeIndexes(rows: readonly TableIndex[], schema: string): Finding[] {
  return [
    ...gather(
      rows.filter(({ valid, being_built }) => !valid && !being_built).map((row) => broken(row, schema)),
      (count) => `${count} indexes are invalid.`,
    ),
    ...gather(
      rows.filter(({ covered_by }) => covered_by !== null).map((row) => needless(row, schema)),
      (count) => `${count} indexes do nothing that others do not.`,
    ),
  ];
}

function broken({ index, size, partitioned }: TableIndex, schema: string): Finding {
  const object = quoteName(schema, index);
  return {
    severity: 'warning',
    claim: `${object} is invalid: it costs every write and serves no query.`,
    object,
    evidence: { valid: false, size },
    why: 'https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY',
    ...(!partitioned && { next_step: `REINDEX INDEX CONCURRENTLY ${object}; -- unless it is being built right now` }),
  };
}

function needless({ index, size, scans, covered_by, partitioned }: TableIndex, schema: string): Finding {
  const object = quoteName(schema, index);
  return {
    severity: 'notice',
    claim: `${object} does nothing that ${quoteName(schema, covered_by ?? '')} does not.`,
    object,
    evidence: { covered_by, size, scans },
    why: 'https://www.postgresql.org/docs/current/indexes-multicolumn.html',
    next_step: `DROP INDEX ${partitioned ? '' : 'CONCURRENTLY '}${object};`,
  };
}
