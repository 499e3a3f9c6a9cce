import type { ReachedDatabase } from '../../calls/context.ts';
import type { ReachedSession } from '../../calls/reached-session.ts';
import { LOCK_NOT_AVAILABLE, sqlstateOf, UNREADABLE_TEXT } from './sqlstate.ts';

/** Parameters that a statement may name: what it is asked to do without, once it is known that the whole is not to be had. */
export interface Concessions {
  /** A lock kept an exact size from us: sizes are to be estimated from `relpages`. */
  readonly estimate_sizes: boolean;
  /** False once a text of the server could not be had in the encoding of this database. */
  readonly read_texts: boolean;
  /** The databases that the caller may see, once it is known that these are not all; null before. */
  readonly open_databases: readonly string[] | null;
}

export const NOTHING_CONCEDED: Concessions = { estimate_sizes: false, read_texts: true, open_databases: null };

/** What to try with after this failure; undefined where the statement cannot do with less, or that would not help. */
export function concede(
  error: unknown,
  conceded: Concessions,
  uses: (name: keyof Concessions) => boolean,
): Concessions | undefined {
  const sqlstate = sqlstateOf(error);
  if (sqlstate === LOCK_NOT_AVAILABLE && !conceded.estimate_sizes && uses('estimate_sizes')) {
    return { ...conceded, estimate_sizes: true };
  }
  if (UNREADABLE_TEXT.has(sqlstate) && conceded.read_texts && uses('read_texts')) {
    return { ...conceded, read_texts: false };
  }
  return undefined;
}

/**
 * Runs `read` in a transaction, and once more without texts where one of them cannot be had in the encoding of the
 * database: a failure ends the transaction.
 */
export async function readWithTexts<T>(
  target: ReachedDatabase,
  read: (session: ReachedSession, texts: boolean) => Promise<T>,
): Promise<T> {
  const attempt = (texts: boolean) => target.readOnly((session) => read(session, texts), { snapshot: true });
  try {
    return await attempt(true);
  } catch (error) {
    if (!UNREADABLE_TEXT.has(sqlstateOf(error))) throw error;
    return attempt(false);
  }
}
