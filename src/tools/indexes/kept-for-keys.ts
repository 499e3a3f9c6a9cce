import { sql } from '../kit/index.ts';
import { keyEnds, servesKey } from './serving-index.ts';

/**
 * The CTE `kept (key, conname, root)`, in a recursive list with `members` and `rare (root, …)`, the indexes that are to go:
 * which of them a foreign key needs, as none that stays serves it in some table. Where several would do, it is the one
 * that duplicate_indexes would keep: who follows both keeps an index.
 */
export const keptForKeys = sql`keys as materialized (
        select k.oid, k.conname, k.conrelid, k.conkey from pg_catalog.pg_constraint k where k.contype = 'f' and k.conparentid = 0
      ),
      ${keyEnds},
      going as materialized (
        select m.oid, m.root, i.indrelid
          from members m
          join rare r on r.root = m.root
          join pg_catalog.pg_index i on i.indexrelid = m.oid
      ),
      serving as materialized (
        select e.root as key, e.relation, g.root
          from ends e
          join pg_catalog.pg_class t on t.oid = e.relation and t.relkind = 'r'
          join pg_catalog.pg_index i on i.indrelid = t.oid
          join pg_catalog.pg_class x on x.oid = i.indexrelid
          left join going g on g.oid = i.indexrelid
         where e.relation in (select o.indrelid from going o)
           and ${servesKey(sql`e.columns`)}
      ),
      kept as materialized (
        select distinct on (s.key, s.relation) s.key, k.conname, s.root
          from serving s
          join keys k on k.oid = s.key
          join pg_catalog.pg_index i on i.indexrelid = s.root
          join pg_catalog.pg_class x on x.oid = s.root
         where (s.key, s.relation) not in (select o.key, o.relation from serving o where o.root is null)
         order by s.key, s.relation, x.relkind = 'I' desc, i.indnkeyatts desc, i.indnatts desc, i.indisclustered desc, s.root
      )`;
