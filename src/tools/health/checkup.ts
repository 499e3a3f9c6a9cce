import { Finding, NotExamined, type Severity } from '../../contract/finding.ts';
import type { Grade } from '../../contract/grade.ts';
import { AREAS, type Area, type Tool } from '../kit/tool.ts';
import type { Examination } from './examine.ts';
import { gradeOf } from './grade.ts';

/** Findings of one diagnostic and one severity: one kind of problem. */
export interface FindingGroup {
  readonly tool: string;
  readonly area: Area;
  readonly severity: Severity;
  readonly findings: readonly Finding[];
}

/** Diagnostics that were left out for one reason. */
export interface Skipped {
  readonly tools: readonly string[];
  readonly reason: string;
  readonly remedy?: string;
}

/** All that was found, merged: the same for the same examinations, in whatever order they ended. */
export interface Checkup {
  /** Null when nothing could be examined. */
  readonly grade: Grade | null;
  /** Of each area of which a diagnostic answered. */
  readonly areas: Readonly<Partial<Record<Area, Grade>>>;
  /** The most urgent first. */
  readonly groups: readonly FindingGroup[];
  /** Titles of diagnostics that answered and found nothing to mend. */
  readonly inOrder: readonly string[];
  readonly examined: number;
  readonly asked: number;
  /** Diagnostics that this server, or its version, cannot answer, and those that did not end in time. */
  readonly skipped: readonly Skipped[];
  readonly notExamined: readonly NotExamined[];
}

export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'notice'];

/** `all` in the order in which a server is examined. */
export function mergeExaminations(all: readonly Examination[]): Checkup {
  const examinations = all.filter(isApplicable);
  const answered = examinations.filter((examination) => examination.state === 'answered');
  const seen = new Map<string, string>();
  const groups = SEVERITIES.flatMap((severity) =>
    answered.flatMap(({ tool: { name: tool, area }, output }): FindingGroup[] => {
      const findings = Finding.array().safeParse(output['findings']).data ?? [];
      const fresh = findings.filter((finding) => finding.severity === severity && isNew(finding, tool, seen));
      return fresh.length === 0 ? [] : [{ tool, area, severity, findings: fresh }];
    }),
  );
  return {
    grade: answered.length === 0 ? null : gradeOf(groups),
    areas: gradeAreas(
      answered.map(({ tool }) => tool),
      groups,
    ),
    groups,
    inOrder: answered
      .filter(({ tool: { name } }) => !groups.some((group) => group.tool === name))
      .map(({ tool }) => tool.title),
    examined: answered.length,
    asked: examinations.length,
    skipped: mergeSkipped(examinations),
    notExamined: mergeGaps(examinations),
  };
}

/** Whether there was anything to examine: most servers have no pooler before them, and miss nothing by that. */
function isApplicable(examination: Examination): boolean {
  return examination.state !== 'failed' || examination.error.details?.['not_applicable'] !== true;
}

/** Two diagnostics may see the same thing; the more urgent finding stays. `seen` has the tool of each. */
function isNew(finding: Finding, tool: string, seen: Map<string, string>): boolean {
  const keys = keysOf(finding);
  const isKnown = keys.some((key) => (seen.get(key) ?? tool) !== tool);
  for (const key of keys) if (!seen.has(key)) seen.set(key, tool);
  return !isKnown;
}

/** Findings that share one are about the same thing. */
function keysOf({ claim, object, next_step }: Finding): string[] {
  return [
    JSON.stringify([claim, object]),
    // without an object, one step may serve several problems
    ...(object === undefined || next_step === undefined ? [] : [JSON.stringify([object, next_step, 'step'])]),
  ];
}

function gradeAreas(tools: readonly Tool[], groups: readonly FindingGroup[]): Checkup['areas'] {
  const examined = new Set(tools.map(({ area }) => area));
  return Object.fromEntries(
    AREAS.filter((area) => examined.has(area)).map((area) => [
      area,
      gradeOf(groups.filter((group) => group.area === area)),
    ]),
  );
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
  if (examination.state === 'answered') {
    return NotExamined.array().safeParse(examination.output['not_examined']).data ?? [];
  }
  if (examination.state === 'unfinished' || examination.error.code === 'UNSUPPORTED') return [];
  const { message, hint } = examination.error;
  return [{ what: examination.tool.title, reason: message, ...(hint !== undefined && { remedy: hint }) }];
}

function mergeSkipped(examinations: readonly Examination[]): Skipped[] {
  const byReason = new Map<string, { tools: string[]; why: Omit<Skipped, 'tools'> }>();
  for (const examination of examinations) {
    const why = whySkipped(examination);
    if (!why) continue;
    const key = JSON.stringify(why);
    const known = byReason.get(key) ?? { tools: [], why };
    known.tools.push(examination.tool.name);
    byReason.set(key, known);
  }
  return [...byReason.values()].map(({ tools, why }) => ({ tools, ...why }));
}

function whySkipped(examination: Examination): Omit<Skipped, 'tools'> | undefined {
  if (examination.state === 'unfinished') return { reason: 'Not finished in time.' };
  if (examination.state === 'answered' || examination.error.code !== 'UNSUPPORTED') return undefined;
  const { message, hint } = examination.error;
  // each says which tool it is
  const reason = message.replace(new RegExp(`^${examination.tool.name} needs`), 'Needs');
  return { reason, ...(hint !== undefined && { remedy: hint }) };
}
