import type { ReachedDatabase } from '../../calls/context.ts';
import type { Output } from '../../calls/operation.ts';
import type { Finding, NotExamined } from '../../contract/finding.ts';
import type { ConnectionFacts } from '../../postgres/database.ts';
import { byUrgency } from './gather.ts';
import { tellHidden } from './visible-rows.ts';
import { remediesOnPrimary, stepsOnPrimary } from './on-primary.ts';

/** What a tool found, and what it could not look at. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly gaps: readonly NotExamined[];
  /** Undefined where no server was asked. */
  readonly facts: Pick<ConnectionFacts, 'inRecovery'> | undefined;
}

/** A type, since an interface would not be an Output. */
type Answer = {
  server: string;
  database: string;
  findings: Finding[];
  not_examined?: NotExamined[];
};

/**
 * Puts the answer of a tool about a server together: `parts` are those that are its own. What only the primary can do is
 * advised for there.
 */
export function composeAnswer<Parts extends Output>(
  target: Pick<ReachedDatabase, 'server' | 'database' | 'withheld' | 'persona'>,
  { findings, gaps, facts }: Verdict,
  parts: Parts,
): Answer & Parts {
  return {
    server: target.server.name,
    database: target.database,
    findings: byUrgency(stepsOnPrimary(findings, facts)),
    ...parts,
    ...examined(remediesOnPrimary([...tellHidden(target), ...gaps], facts)),
  };
}

/** Left out when nothing was left out. */
export function examined(gaps: readonly NotExamined[]): Pick<Answer, 'not_examined'> {
  return gaps.length === 0 ? {} : { not_examined: [...gaps] };
}
