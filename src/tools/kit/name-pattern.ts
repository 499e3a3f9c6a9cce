import { sql, type Param, type Sql } from '../../postgres/sql.ts';

/**
 * Whether a name contains the given text, or matches it where the text has `*` or `?`, or `%` as LIKE has it; upper and
 * lower case are the same in every alphabet that the database's own locale knows. Everything matches null.
 */
export function matchesName(name: Sql, given: Param): Sql {
  const literal = sql`pg_catalog.replace(pg_catalog.replace(${given}::text, '!', '!!'), '_', '!_')`;
  return sql`(${given}::text is null or ${name}::text collate pg_catalog."default" ilike
               case when ${given}::text ~ '[*?%]' then pg_catalog.translate(${literal}, '*?', '%_') else '%' || ${literal} || '%' end
               escape '!')`;
}

/** The same for names that no database holds. Takes time in proportion to the name times the pattern, at most. */
export function isNamed(name: string, given: string): boolean {
  const [text, pattern] = [name.toLowerCase(), given.toLowerCase().replaceAll('%', '*')];
  if (!/[*?]/.test(pattern)) return text.includes(pattern);
  let [at, place, star, from] = [0, 0, -1, 0];
  while (at < text.length) {
    const expected = pattern[place];
    if (expected === '*') {
      star = place;
      from = at;
      place++;
    } else if (expected === '?' || expected === text[at]) {
      at++;
      place++;
    } else if (star >= 0) {
      from++;
      at = from;
      place = star + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(place));
}
