import type { Finding, Severity } from '../../contract/finding.ts';
import { comment } from './quoting.ts';

const URGENCY: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, notice: 2, ok: 3 };
const EXAMPLES = 10;

/** The most urgent first; findings of one severity stay in their order. */
export function byUrgency(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => URGENCY[a.severity] - URGENCY[b.severity]);
}

/** More findings of one kind than these become one. */
const MOST = 5;

/**
 * Findings of one kind as they are or, when there are many, as one that names the first few objects. Its step is `look`
 * or that of the first: nobody reads a script that ends ten sessions or drops ten indexes as ten decisions.
 */
export function gather(findings: readonly Finding[], claim: (count: number) => string, look?: string): Finding[] {
  const sorted = byUrgency(findings);
  const [worst] = sorted;
  if (!worst || sorted.length <= MOST) return sorted;
  const examples = sorted.slice(0, EXAMPLES);
  const step = look ?? stepOf(sorted);
  return [
    {
      severity: worst.severity,
      claim: claim(sorted.length),
      evidence: {
        count: sorted.length,
        [sorted.length > EXAMPLES ? 'first' : 'all']: examples.flatMap(({ object }) => object ?? []).join(', '),
      },
      ...(worst.why !== undefined && { why: worst.why }),
      ...(step !== undefined && { next_step: step }),
    },
  ];
}

function stepOf(findings: readonly Finding[]): string | undefined {
  const [first, ...others] = new Set(findings.flatMap(({ next_step }) => next_step ?? []));
  return first === undefined || others.length === 0 ? first : `${comment('for the first of them')}\n${first}`;
}
