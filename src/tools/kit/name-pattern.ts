import { sql, type Param, type Sql } from '../../postgres/sql.ts';

/**
 * Whether a name contains the given text, or matches it where the text has `*` or `?`; upper and lower case are the
 * same in every alphabet that the database's own locale knows. Everything matches null.
 */
export function matchesName(name: Sql, given: Param): Sql {
  const literal = sql`pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(${given}::text, '!', '!!'), '%', '!%'), '_', '!_')`;
  return sql`(${given}::text is null or ${name}::text collate pg_catalog."default" ilike
               case when ${given}::text ~ '[*?]' then pg_catalog.translate(${literal}, '*?', '%_') else '%' || ${literal} || '%' end
               escape '!')`;
}
