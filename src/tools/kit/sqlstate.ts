import { PlatformError } from '../../core/errors.ts';

// https://www.postgresql.org/docs/current/errcodes-appendix.html
export const INSUFFICIENT_PRIVILEGE = '42501';
export const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000';
export const LOCK_NOT_AVAILABLE = '55P03';
export const UNDEFINED_FUNCTION = '42883';
/** A text that is none in the encoding of this database, or that the encoding has no characters for. */
export const UNREADABLE_TEXT: ReadonlySet<string | undefined> = new Set(['22021', '22P05']);

/** Of a failure that PostgreSQL reported. */
export function sqlstateOf(error: unknown): string | undefined {
  const sqlstate = error instanceof PlatformError ? error.details?.['sqlstate'] : undefined;
  return typeof sqlstate === 'string' ? sqlstate : undefined;
}
