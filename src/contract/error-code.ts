import { z } from 'zod';

/** Every failure that a caller can see has one of these codes. `docs/reference/errors.md` has a section for each. */
export const ErrorCode = z.enum([
  'INVALID_INPUT',
  'SQL_REJECTED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'UNSUPPORTED',
  'RATE_LIMITED',
  'QUERY_FAILED',
  'SERVER_UNREACHABLE',
  'UNAVAILABLE',
  'TIMEOUT',
  'CANCELLED',
  'INPUT_REQUIRED',
  'CONFIG_INVALID',
  'UNKNOWN',
  'INTERNAL',
]);
export type ErrorCode = z.output<typeof ErrorCode>;
