import type { Finding, NotExamined, Severity } from '../../contract/finding.ts';
import type { PlatformError } from '../../core/errors.ts';
import type { Field } from '../../render/field.ts';
import { gradeOf, type Grade } from './grade.ts';

/** What became of one diagnostic. */
export type Examination = { readonly tool: string; readonly title: string; readonly fields: readonly Field[] } & (
  | { readonly state: 'answered'; readonly findings: readonly Finding[]; readonly notExamined: readonly NotExamined[] }
  | { readonly state: 'failed'; readonly error: PlatformError }
  | { readonly state: 'unfinished' }
);

/** Findings of one diagnostic and one severity. */
export interface FindingGroup {
  readonly tool: string;
  readonly severity: Severity;
  readonly fields: readonly Field[];
  readonly findings: readonly Finding[];
}

/** All that a check found, merged: the same for the same examinations, in whatever order they ended. */
export interface Checkup {
  /** Null when nothing could be examined. */
  readonly grade: Grade | null;
  /** The most urgent first. */
  readonly groups: readonly FindingGroup[];
  /** Diagnostics that answered and found nothing to mend. */
  readonly inOrder: readonly string[];
  readonly examined: number;
  readonly asked: number;
  readonly notExamined: readonly NotExamined[];
}

export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'notice'];

/** `examinations` in the order in which the catalogue has them. */
export function mergeExaminations(examinations: readonly Examination[]): Checkup {
  const answered = examinations.filter((examination) => examination.state === 'answered');
  const seen = new Map<string, string>();
  const groups = SEVERITIES.flatMap((severity) =>
    answered.flatMap(({ tool, fields, findings }) => {
      const fresh = findings.filter((finding) => finding.severity === severity && isNew(finding, tool, seen));
      return fresh.length === 0 ? [] : [{ tool, severity, fields, findings: fresh }];
    }),
  );
  return {
    grade: answered.length === 0 ? null : gradeOf(groups),
    groups,
    inOrder: answered.filter(({ tool }) => !groups.some((group) => group.tool === tool)).map(({ title }) => title),
    examined: answered.length,
    asked: examinations.length,
    notExamined: mergeGaps(examinations),
  };
}

/** Two diagnostics may see the same thing of an object; the more urgent finding stays. `seen` has the tool of each. */
function isNew({ claim, object, next_step }: Finding, tool: string, seen: Map<string, string>): boolean {
  if (object === undefined) return true;
  const keys = [
    JSON.stringify([claim, object]),
    ...(next_step === undefined ? [] : [JSON.stringify([object, next_step, 'step'])]),
  ];
  const isKnown = keys.some((key) => (seen.get(key) ?? tool) !== tool);
  for (const key of keys) if (!seen.has(key)) seen.set(key, tool);
  return !isKnown;
}

/** What cannot be seen for one reason is said once. */
function mergeGaps(examinations: readonly Examination[]): NotExamined[] {
  const byReason = new Map<string, { what: Set<string>; gap: NotExamined }>();
  for (const gap of examinations.flatMap(gapsOf)) {
    const key = JSON.stringify([gap.reason, gap.remedy]);
    const known = byReason.get(key) ?? { what: new Set<string>(), gap };
    known.what.add(gap.what);
    byReason.set(key, known);
  }
  return [...byReason.values()].map(({ what, gap }) => ({ ...gap, what: [...what].join('; ') }));
}

function gapsOf(examination: Examination): readonly NotExamined[] {
  if (examination.state === 'answered') return examination.notExamined;
  const what = examination.title;
  if (examination.state === 'unfinished') {
    return [{ what, reason: 'Not finished in time.', remedy: `howdah call ${examination.tool}` }];
  }
  const { message, hint } = examination.error;
  return [{ what, reason: message, ...(hint !== undefined && { remedy: hint }) }];
}
