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

/** How many findings each gathered one stands for. */
const GATHERED = new WeakMap<Finding, number>();

/** Findings about rows of which there are more than were read: how many there are of a kind is not known. */
export function ofSome(findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => {
    const count = GATHERED.get(finding);
    if (count === undefined) return finding;
    const claim = finding.claim.replace(new RegExp(`\\b${count}\\b`), (number, at: number) =>
      at === 0 ? `At least ${number}` : `at least ${number}`,
    );
    return { ...finding, claim, evidence: { ...finding.evidence, at_least: true } };
  });
}

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
  const gathered: Finding = {
    severity: worst.severity,
    claim: claim(sorted.length),
    evidence: {
      count: sorted.length,
      [sorted.length > EXAMPLES ? 'first' : 'all']: examples.flatMap(({ object }) => object ?? []).join(', '),
    },
    ...(worst.why !== undefined && { why: worst.why }),
    ...(step !== undefined && { next_step: step }),
  };
  GATHERED.set(gathered, sorted.length);
  return [gathered];
}

function stepOf(findings: readonly Finding[]): string | undefined {
  const [first, ...others] = new Set(findings.flatMap(({ next_step }) => next_step ?? []));
  return first === undefined || others.length === 0 ? first : `${comment('for the first of them')}\n${first}`;
}
