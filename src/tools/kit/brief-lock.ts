import { comment } from './quoting.ts';

/** Bounds how long a statement waits for its lock, and with it all that comes later and waits behind it. */
const SET_LOCK_TIMEOUT = `SET lock_timeout = '2s';`;

/**
 * The step that runs a statement whose ACCESS EXCLUSIVE lock on `locked` lasts a moment once it is granted. The timeout
 * is taken back, since it would end in the middle what waits for long by design, such as DROP INDEX CONCURRENTLY.
 * https://www.postgresql.org/docs/current/explicit-locking.html
 */
export function lockBriefly(statement: string, locked: string, note = ''): string {
  const cost = `takes ACCESS EXCLUSIVE on ${locked} for a moment, but waits for it behind the longest transaction there, and every new query waits behind it`;
  return [
    SET_LOCK_TIMEOUT,
    `${statement} ${comment(note === '' ? cost : `${note}; ${cost}`)}`,
    'RESET lock_timeout;',
  ].join('\n');
}

/** What rebuilds an index that cannot be rebuilt beside its use; for a person to decide, so that it is a comment. */
export function reindexLocking(index: string, note = ''): string {
  return comment(
    `${SET_LOCK_TIMEOUT} REINDEX INDEX ${index}; locks out writes, and takes ACCESS EXCLUSIVE on the index until it is built, for which nearly every query of the table waits when it is planned${note === '' ? '' : `; ${note}`}`,
  );
}
