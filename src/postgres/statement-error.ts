import { DatabaseError } from 'pg';
import type { PlatformError } from '../core/errors.ts';

/** What PostgreSQL said of a statement that somebody else wrote; nothing of it is fit for everybody. */
export interface StatementError {
  readonly sqlstate: string;
  readonly message: string;
  /** In characters from 1, in the text as it was sent. */
  readonly position: number | undefined;
}

/** Undefined for what is no error of the server's. */
export function statementErrorOf(error: PlatformError): StatementError | undefined {
  const { cause } = error;
  if (!(cause instanceof DatabaseError)) return undefined;
  const position = Number(cause.position);
  return {
    sqlstate: cause.code ?? 'XX000',
    message: cause.message,
    position: Number.isInteger(position) && position > 0 ? position : undefined,
  };
}
