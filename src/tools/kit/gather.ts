import type { Finding, Severity } from '../../contract/finding.ts';

const URGENCY: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, notice: 2, ok: 3 };
const EXAMPLES = 10;

/** The most urgent first; findings of one severity stay in their order. */
export function byUrgency(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => URGENCY[a.severity] - URGENCY[b.severity]);
}

/** Findings of one kind as they are or, when there are more than `most`, as one that names the first few objects. */
export function gather(findings: readonly Finding[], claim: (count: number) => string, most = 5): Finding[] {
  const sorted = byUrgency(findings);
  const [worst] = sorted;
  if (!worst || sorted.length <= most) return sorted;
  const examples = sorted.slice(0, EXAMPLES);
  const steps = [...new Set(examples.flatMap(({ next_step }) => next_step ?? []))];
  return [
    {
      severity: worst.severity,
      claim: claim(sorted.length),
      evidence: {
        count: sorted.length,
        [sorted.length > EXAMPLES ? 'first' : 'all']: examples.flatMap(({ object }) => object ?? []).join(', '),
      },
      ...(worst.why !== undefined && { why: worst.why }),
      ...(steps.length > 0 && { next_step: steps.join('\n') }),
    },
  ];
}
