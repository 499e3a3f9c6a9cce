import { PlatformError } from '../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'No space is left on its device',
  EDQUOT: 'The disk quota of its owner is used up',
  EACCES: 'The user that runs Howdah may not write there',
  EPERM: 'The user that runs Howdah may not write there',
  EROFS: 'The file system is read-only',
  EIO: 'The device reported a fault',
  ENOENT: 'The directory or the file was removed or renamed',
  EEXIST: 'Something that is not a directory stands in its place',
  ENOTDIR: 'A part of the path is not a directory',
  EMFILE: 'Too many files are open',
  ENFILE: 'Too many files are open',
};

/** The `code` of a system error, such as ENOSPC. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why nothing can be recorded. Where it would be is for the log alone: a caller may be anyone. */
export function auditUnavailable(directory: string, cause: unknown): PlatformError {
  const code = errorCode(cause);
  return new PlatformError('UNAVAILABLE', 'The audit log cannot be written.', {
    hint: `${reasonOf(cause, code)}. No call is answered until this is put right; no restart is needed then.`,
    details: code === undefined ? undefined : { errno: code },
    cause: new Error(`The audit log is in ${directory}`, { cause }),
  });
}

/** The message of a system error can have a path in it, ours has none. */
function reasonOf(cause: unknown, code: string | undefined): string {
  if (code !== undefined) return REASONS[code] ?? `The system reports ${code}`;
  return cause instanceof Error ? cause.message : 'The reason is not known';
}
