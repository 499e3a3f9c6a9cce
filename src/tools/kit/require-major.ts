import { PlatformError } from '../../core/errors.ts';
import type { ConnectionFacts } from '../../postgres/database.ts';
import type { Major } from '../../postgres/version.ts';

/** Fails with UNSUPPORTED on an older server; `subject` begins that sentence, and `instead` says what answers there. */
export function requireMajor(
  { major, version }: Pick<ConnectionFacts, 'major' | 'version'>,
  since: Major,
  subject: string,
  instead?: string,
): void {
  if (major >= since) return;
  throw new PlatformError('UNSUPPORTED', `${subject} came with PostgreSQL ${since}; this is ${version}.`, {
    ...(instead !== undefined && { hint: instead }),
  });
}
