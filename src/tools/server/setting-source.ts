import { sql, type Sql } from '../kit/index.ts';

/**
 * Whether a value is the server's own. What Howdah's login, its connection or the database that is asked has instead
 * says nothing of anybody else. https://www.postgresql.org/docs/current/view-pg-settings.html
 */
export function isOfServer(source: Sql): Sql {
  return sql`${source} not in ('database', 'user', 'database user', 'client', 'session')`;
}

/** The same, or that of the database that is asked, which is everybody's there. */
export function isOfServerOrDatabase(source: Sql): Sql {
  return sql`${source} not in ('user', 'database user', 'client', 'session')`;
}
