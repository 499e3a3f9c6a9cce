import type { ErrorCode } from '../contract/error-code.ts';

/**
 * What each code means and how the surfaces show it. `status` is the HTTP status;
 * `exit` is the exit code of the command line (1 internal, 2 usage or configuration, 3 denied, 4 server).
 */
export const ERROR_CODES: Readonly<Record<ErrorCode, { status: number; exit: 1 | 2 | 3 | 4; meaning: string }>> = {
  INVALID_INPUT: { status: 400, exit: 2, meaning: "The arguments do not match the operation's input schema." },
  SQL_REJECTED: { status: 400, exit: 3, meaning: 'The SQL guard refused the statement.' },
  UNAUTHENTICATED: { status: 401, exit: 3, meaning: 'No valid credential was presented.' },
  FORBIDDEN: { status: 403, exit: 3, meaning: "A rule of the caller's persona refused the call." },
  NOT_FOUND: { status: 404, exit: 2, meaning: 'No such operation, server, database, relation or record.' },
  CONFLICT: { status: 409, exit: 2, meaning: 'What was to be changed has been changed by someone else.' },
  UNSUPPORTED: { status: 422, exit: 4, meaning: 'The server lacks the version, extension or right that is needed.' },
  RATE_LIMITED: { status: 429, exit: 3, meaning: 'The caller has used up a limit of its persona.' },
  QUERY_FAILED: { status: 502, exit: 4, meaning: 'PostgreSQL reported an error; `details.sqlstate` has its code.' },
  SERVER_UNREACHABLE: { status: 502, exit: 4, meaning: 'No connection to the PostgreSQL server could be had.' },
  UNAVAILABLE: { status: 503, exit: 1, meaning: 'Howdah cannot do its duty now, such as writing the audit log.' },
  TIMEOUT: { status: 504, exit: 4, meaning: 'The call ran past its deadline and was cancelled.' },
  CANCELLED: { status: 499, exit: 4, meaning: 'The caller went away or withdrew the call.' },
  INPUT_REQUIRED: { status: 200, exit: 2, meaning: 'The operation asks the caller for more before it goes on.' },
  CONFIG_INVALID: { status: 500, exit: 2, meaning: 'The configuration cannot be used.' },
  UNKNOWN: { status: 500, exit: 1, meaning: 'The process ended before the outcome of the call was known.' },
  INTERNAL: { status: 500, exit: 1, meaning: 'A fault of Howdah itself; its log has the call id.' },
};

export interface PlatformErrorOptions {
  /** What the caller can do next, as in PostgreSQL's HINT. */
  readonly hint?: string | undefined;
  /** Structured and safe to show. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Logged, never returned. */
  readonly cause?: unknown;
}

/** The one error that crosses a boundary: `message`, `hint` and `details` are written for the caller, `cause` for the log. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }

  /** The part that a caller may see. */
  toJSON(): { code: ErrorCode; message: string; hint?: string; details?: Readonly<Record<string, unknown>> } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }
}

/** Hides whatever is not ours behind INTERNAL, keeping the original as `cause`. */
export function toPlatformError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  return new PlatformError('INTERNAL', 'Something went wrong inside Howdah.', {
    hint: 'The log has the reason under the id of this call.',
    cause: error,
  });
}
