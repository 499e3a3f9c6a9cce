import { isUserSchema, matchesName, param, sql, type Sql } from '../kit/index.ts';

/** How a relation's blocks were found; `fetched` counts each look for one, and what was not a hit was read. */
export function blocksRead(oid: Sql): Sql {
  return sql`(pg_catalog.pg_stat_get_blocks_fetched(${oid}) - pg_catalog.pg_stat_get_blocks_hit(${oid}))`;
}

export function blocksHit(oid: Sql): Sql {
  return sql`pg_catalog.pg_stat_get_blocks_hit(${oid})`;
}

/** Of `c` and `n`: whether a relation is asked for, as a part of its parent unless partitions are wanted. */
export function isWanted(parentKind: Sql, name: Sql): Sql {
  return sql`case when ${param('partitions')}::boolean then c.relkind <> ${parentKind} else not c.relispartition end
             and case when ${param('schema')}::text is not null then n.nspname = ${param('schema')}::text
                      else ${isUserSchema(sql`n.nspname`)} end
             and ${matchesName(name, param('name'))}`;
}
