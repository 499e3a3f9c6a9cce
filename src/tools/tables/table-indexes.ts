import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  estimatedSize,
  lockedRelations,
  partitionMembers,
  sql,
  type Sql,
} from '../kit/index.ts';
import { ESTIMATE_SIZES, OID } from './relation.ts';

const indexesWith = (lastScan: Sql) => sql`
      with recursive locked as materialized (${lockedRelations}
      ),
      own as materialized (
        select i.*, c.relname, c.relkind,
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
             a.relkind = 'I' as partitioned,
             exists (select from pg_catalog.pg_stat_progress_create_index p
                      where p.index_relid = a.indexrelid or (p.relid = a.indrelid and p.index_relid = 0)) as being_built
        from own a
        left join counted s on s.root = a.indexrelid
       order by a.indisprimary desc, a.indisunique desc, a.relname`;

export const indexes = definePart({
  what: 'indexes',
  row: {
    index: z.string().meta({ names: 'index' }),
    definition: z.string().nullable().meta({ names: 'text' }),
    primary: z.boolean(),
    unique: z.boolean(),
    valid: z.boolean(),
    replica_identity: z.boolean(),
    backs_constraint: z.string().nullable().meta({ names: 'constraint', withhold: 'value' }),
    size: z.int().nullable().meta({ unit: 'bytes' }),
    scans: z.int().min(0).describe('On this server, since its counters were reset.'),
    last_scan: z.iso.datetime().nullable(),
    partitioned: z.boolean(),
    being_built: z.boolean(),
  },
  sql: byServerVersion({
    12: indexesWith(sql`null::timestamp with time zone`),
    16: indexesWith(sql`pg_catalog.pg_stat_get_lastscan(c.oid)`),
  }),
});
