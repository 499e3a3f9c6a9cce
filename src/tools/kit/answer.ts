import type { ReachedDatabase } from '../../calls/context.ts';
import type { Output } from '../../calls/operation.ts';
import type { Finding, NotExamined } from '../../contract/finding.ts';
import { byUrgency } from './gather.ts';

/** What a tool found, and what it could not look at. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly gaps: readonly NotExamined[];
}

/** Puts the answer of a tool about a server together: `parts` are those that are its own. */
export function composeAnswer(
  { server, database }: Pick<ReachedDatabase, 'server' | 'database'>,
  { findings, gaps }: Verdict,
  parts: Output,
): Output {
  return { server: server.name, database, findings: byUrgency(findings), ...parts, ...examined(gaps) };
}

/** Left out when nothing was left out. */
export function examined(gaps: readonly NotExamined[]): { not_examined?: readonly NotExamined[] } {
  return gaps.length === 0 ? {} : { not_examined: gaps };
}
