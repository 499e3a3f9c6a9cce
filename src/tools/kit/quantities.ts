import { sql, type Sql } from '../../postgres/sql.ts';

/** A share in percent with two decimals; null where there is nothing to have a share of. */
export function percentOf(part: Sql, whole: Sql): Sql {
  return sql`pg_catalog.round((100.0 * ${part} / nullif(${whole}, 0))::numeric, 2)`;
}

/** Seconds since then by the wall clock, to the millisecond; never negative, null for null. */
export function secondsSince(time: Sql): Sql {
  // greatest() alone would make 0 of null
  return sql`case when ${time} is not null
    then pg_catalog.round(greatest(extract(epoch from pg_catalog.clock_timestamp() - (${time})), 0)::numeric, 3) end`;
}
