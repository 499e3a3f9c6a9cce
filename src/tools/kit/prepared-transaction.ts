import { comment, quoteLiteral } from './quoting.ts';

/**
 * Looks first: what one participant rolls back, its transaction manager may have committed everywhere else.
 * https://www.postgresql.org/docs/current/sql-prepare-transaction.html
 */
export function endPrepared(gid: string | null): string {
  const look = 'SELECT gid, prepared, owner, database FROM pg_prepared_xacts';
  // a gid that looks like a secret is not shown as it is
  if (gid === null || gid.includes('[redacted]')) {
    return `${look} ORDER BY prepared;\n${comment('when its transaction manager has forgotten it, in its database: ROLLBACK PREPARED followed by its gid')}`;
  }
  const literal = quoteLiteral(gid);
  return `${look} WHERE gid = ${literal};\n${comment(`when its transaction manager has forgotten it, in its database: ROLLBACK PREPARED ${literal};`)}`;
}
