import type { Finding, NotExamined } from '../../contract/finding.ts';
import type { FindingGroup } from './checkup.ts';

/** A finding in a health check: of which tool it is, and how many more of its kind there are. */
export type CheckedFinding = Finding & { readonly tool: string; readonly more?: number };

/** Findings of one tool and severity that are only counted. */
export interface OmittedFindings {
  readonly tool: string;
  readonly severity: Finding['severity'];
  readonly findings: number;
}

export interface Brief {
  readonly findings: readonly CheckedFinding[];
  readonly omitted: readonly OmittedFindings[];
}

/** Characters of JSON that the findings of a brief have; with the text beside it, an answer has some 3,000 tokens. */
const BRIEF_LENGTH = 3700;
/** Longer steps are scripts, which the tool itself gives. */
const STEP_LENGTH = 300;

/** The first finding of each kind, the most urgent first, as far as there is room; the rest is counted. */
export function briefly(groups: readonly FindingGroup[]): Brief {
  const findings: CheckedFinding[] = [];
  const omitted: OmittedFindings[] = [];
  let room = BRIEF_LENGTH;
  for (const group of groups) {
    const finding = shorten(group);
    room -= finding ? JSON.stringify(finding).length : 0;
    if (finding && room >= 0) findings.push(finding);
    else omitted.push({ tool: group.tool, severity: group.severity, findings: group.findings.length });
  }
  return { findings, omitted };
}

/** Every finding as it is. */
export function inFull(groups: readonly FindingGroup[]): Brief {
  return { findings: groups.flatMap(({ tool, findings }) => findings.map((each) => ({ tool, ...each }))), omitted: [] };
}

/** A notice is left at its claim; why it matters is said by the tool. */
function shorten({ tool, severity, findings: [first, ...others] }: FindingGroup): CheckedFinding | undefined {
  if (!first) return undefined;
  const { claim, object, evidence, next_step } = first;
  const isUrgent = severity !== 'notice';
  return {
    tool,
    severity,
    claim,
    ...(object !== undefined && { object }),
    evidence: isUrgent ? evidence : {},
    ...(isUrgent && next_step !== undefined && { next_step: cut(next_step, tool) }),
    ...(others.length > 0 && { more: others.length }),
  };
}

/** A statement is given whole or not at all. */
function cut(step: string, tool: string): string {
  return step.length <= STEP_LENGTH ? step : `-- ${tool} has it`;
}

/** The same for what was not examined. */
const GAPS_LENGTH = 1000;

/** As many as there is room for; how many more there are is said. */
export function brieflyNotExamined(gaps: readonly NotExamined[]): NotExamined[] {
  let room = GAPS_LENGTH;
  const shown = gaps.filter((gap) => (room -= JSON.stringify(gap).length) >= 0);
  const more = gaps.length - shown.length;
  if (more === 0) return shown;
  const what = `${more} more ${more === 1 ? 'thing' : 'things'}`;
  return [...shown, { what, reason: 'There was no room.', remedy: 'Ask with detail: full.' }];
}
