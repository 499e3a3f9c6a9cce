import type { Finding, NotExamined } from '../../contract/finding.ts';
import type { ConnectionFacts } from '../../postgres/database.ts';

type Facts = Pick<ConnectionFacts, 'inRecovery'> | undefined;

/**
 * What begins a statement that a standby refuses; in capitals, as advice has it. ALTER SYSTEM writes no WAL.
 * https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-USERS
 */
const REFUSED =
  '(?:ALTER(?! SYSTEM\\b)|ANALYZE|CALL|CLUSTER|COMMENT ON|COMMIT PREPARED|CREATE|DELETE|DO|DROP|GRANT|IMPORT|INSERT|LOCK|MERGE|NOTIFY|REASSIGN|REFRESH|REINDEX|REVOKE|ROLLBACK PREPARED|SECURITY LABEL|TRUNCATE|UPDATE|VACUUM)\\b';
const STATEMENT = new RegExp(`(?:^|;)\\s*${REFUSED}`);
/** Prose goes on in small letters, and has no semicolon at its end. */
const COMMENTED = new RegExp(`(?:--|[:;(])\\s*${REFUSED}(?:\\s+["(…A-Z]|;|[^;]*;\\s*$)`);
/** What writes such statements is for where they run. */
const WRITTEN = new RegExp(`format\\('${REFUSED}`);
const COMMAND = /\b(?:vacuumdb|reindexdb|clusterdb)\b/;

const MARK = '-- on the primary';

/** Advice as it is or, on a standby, with a line that says from where on it is for the primary. */
export function onPrimary(advice: string, facts: Facts): string {
  if (facts?.inRecovery !== true || advice.includes(MARK)) return advice;
  const lines = advice.split('\n');
  const refused = lines.findIndex(isRefused);
  if (refused === -1) return advice;
  // with the comments that introduce it
  const before = lines.slice(0, refused).findLastIndex((line) => !line.startsWith('--')) + 1;
  return lines.toSpliced(before, 0, `${MARK}:`).join('\n');
}

function isRefused(line: string): boolean {
  if (COMMAND.test(line) || WRITTEN.test(line)) return true;
  const bare = withoutQuoted(line);
  return (bare.startsWith('--') ? COMMENTED : STATEMENT).test(bare);
}

/** A name may read like a statement. */
function withoutQuoted(line: string): string {
  return line.replaceAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'/g, '""');
}

/** Findings of a standby: with where to follow their next steps. */
export function stepsOnPrimary(findings: readonly Finding[], facts: Facts): readonly Finding[] {
  return findings.map((finding) => ({
    ...finding,
    ...(finding.next_step !== undefined && { next_step: onPrimary(finding.next_step, facts) }),
  }));
}

/** The same of what a standby did not examine. */
export function remediesOnPrimary(gaps: readonly NotExamined[], facts: Facts): readonly NotExamined[] {
  return gaps.map((gap) => ({
    ...gap,
    ...(gap.remedy !== undefined && { remedy: onPrimary(gap.remedy, facts) }),
  }));
}
