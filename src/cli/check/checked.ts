import type { Finding, NotExamined, Severity } from '../../contract/finding.ts';
import type { Grade } from '../../contract/grade.ts';
import { fieldsOf, type Field } from '../../render/field.ts';
import { tools } from '../../tools/all-tools.ts';
import type { HealthAnswer } from '../../tools/health/health-check.ts';

/** Findings of one diagnostic and one severity, and how its values read. */
export interface ShownGroup {
  readonly tool: string;
  readonly severity: Severity;
  readonly fields: readonly Field[];
  readonly findings: readonly Finding[];
}

/** A health check as a terminal shows it. */
export interface Checked {
  readonly grade: Grade | null;
  /** The most urgent first. */
  readonly groups: readonly ShownGroup[];
  /** Titles of diagnostics that found nothing to mend. */
  readonly inOrder: readonly string[];
  readonly examined: number;
  readonly asked: number;
  readonly notExamined: readonly NotExamined[];
}

/** Of an answer in full. */
export function groupAnswer(answer: HealthAnswer): Checked {
  const groups: (Omit<ShownGroup, 'findings'> & { findings: Finding[] })[] = [];
  for (const { tool, more: _, ...finding } of answer.findings) {
    const last = groups.at(-1);
    if (last?.tool === tool && last.severity === finding.severity) last.findings.push(finding);
    else groups.push({ tool, severity: finding.severity, fields: fieldsOfTool(tool), findings: [finding] });
  }
  const { grade, in_order: inOrder = [], examined, asked, skipped, not_examined: gaps = [] } = answer;
  const leftOut = skipped.map(({ tools: names, reason, remedy }) => {
    return { what: names.join(', '), reason, ...(remedy !== undefined && { remedy }) };
  });
  return { grade, groups, inOrder, examined, asked, notExamined: [...gaps, ...leftOut] };
}

function fieldsOfTool(name: string): readonly Field[] {
  const tool = tools.find((each) => each.name === name);
  return tool ? fieldsOf(tool) : [];
}
