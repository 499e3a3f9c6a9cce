import type { Severity } from '../../contract/finding.ts';
import type { Grade } from '../../contract/grade.ts';

/**
 * Kinds of problem are counted, not objects: a hundred unused indexes are one kind.
 * F: three critical kinds or more; D: one or two; C: four warning kinds or more; B: one to three; A: none.
 */
export function gradeOf(kinds: readonly { readonly severity: Severity }[]): Grade {
  const count = (severity: Severity) => kinds.filter((kind) => kind.severity === severity).length;
  if (count('critical') >= 3) return 'F';
  if (count('critical') >= 1) return 'D';
  if (count('warning') >= 4) return 'C';
  return count('warning') >= 1 ? 'B' : 'A';
}
