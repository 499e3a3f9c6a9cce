import type { Finding, Severity } from '../../contract/finding.ts';
import type { Field } from '../../render/field.ts';
import { renderEvidence } from '../../render/finding.ts';
import type { Palette } from '../../render/palette.ts';
import { formatQuantity } from '../../render/quantity.ts';
import { padEnd, shorten } from '../../render/text-width.ts';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import { SEVERITIES } from '../../tools/health/checkup.ts';
import type { Checked, ShownGroup } from './checked.ts';
import { flow, wrap } from './flow.ts';
import type { Grade } from '../../contract/grade.ts';

export interface CheckupStyle {
  readonly width: number;
  readonly palette: Palette;
  /** Every finding and every line of SQL, instead of what fits a screen. */
  readonly all: boolean;
}

/** What a server is, for the first line. */
export interface Subject {
  readonly address: string;
  readonly version: string | null;
  readonly inRecovery: boolean | null;
  readonly tookMs: number;
}

/** Lines for findings; with the rest, a check fits a terminal of forty lines. */
const FINDING_LINES = 28;
const SQL_LINES = 3;
const INDENT = ' '.repeat(10);
const GRADE_SEVERITY: Readonly<Record<Grade, Severity>> = {
  A: 'ok',
  B: 'notice',
  C: 'warning',
  D: 'critical',
  F: 'critical',
};

export function renderCheckup(checkup: Checked, subject: Subject, style: CheckupStyle): string {
  return [
    ...renderHead(checkup, subject, style),
    ...renderGroups(checkup.groups, style),
    ...renderInOrder(checkup, style),
    ...renderGaps(checkup, style),
  ].join('\n');
}

function renderHead(
  { grade, groups, examined, asked }: Checked,
  subject: Subject,
  { palette }: CheckupStyle,
): string[] {
  const version = subject.version === null ? '' : `  PostgreSQL ${escapeControl(subject.version)}`;
  const standby = subject.inRecovery === true ? ', standby' : '';
  const counts = SEVERITIES.flatMap((severity) => {
    const count = groups.filter((group) => group.severity === severity).length;
    return count === 0
      ? []
      : [palette.severity(severity, `${count} ${severity}${count > 1 && severity !== 'critical' ? 's' : ''}`)];
  });
  const found = counts.length === 0 ? 'nothing to mend' : counts.join(' · ');
  const checks = `${examined === asked ? examined : `${examined} of ${asked}`} checks in ${formatQuantity(subject.tookMs, 'ms')}`;
  return [
    `${palette.bold(escapeControl(subject.address))}${palette.dim(version + standby)}`,
    '',
    grade === null
      ? palette.bold('No grade: nothing could be examined.')
      : `${palette.bold('Grade')} ${palette.severity(GRADE_SEVERITY[grade], grade)}   ${found}   ${palette.dim(checks)}`,
  ];
}

function renderGroups(groups: readonly ShownGroup[], style: CheckupStyle): string[] {
  const blocks = groups.map((group) => renderGroup(group, style));
  const lines: string[] = [];
  let shown = 0;
  for (const block of blocks) {
    // the worst is shown, whatever its length
    if (!style.all && shown > 0 && lines.length + block.length + 1 > FINDING_LINES) break;
    lines.push('', ...block);
    shown++;
  }
  const rest = groups.slice(shown).map(({ tool }) => tool);
  if (rest.length === 0) return lines;
  return [...lines, '', shorten(`… and ${rest.length} more kinds (${rest.join(', ')}): --all shows them`, style.width)];
}

export function renderGroup({ tool, severity, fields, findings }: ShownGroup, style: CheckupStyle): string[] {
  const { palette, all } = style;
  const shown = all ? findings : findings.slice(0, 1);
  const label = palette.severity(severity, padEnd(severity.toUpperCase(), INDENT.length));
  const [first = '', ...lines] = shown.flatMap((finding) => renderFinding(finding, fields, style));
  const more = findings.length - shown.length;
  const rest = more === 0 ? [] : [palette.dim(`… and ${more} more: howdah call ${tool}`)];
  return [`${label}${first}`, ...[...lines, ...rest].map((line) => INDENT + line)];
}

function renderFinding(finding: Finding, fields: readonly Field[], { palette, width, all }: CheckupStyle): string[] {
  const { claim, object, evidence, next_step, why } = finding;
  const room = width - INDENT.length;
  const about = [...(object === undefined ? [] : [escapeControl(object)]), ...renderEvidence(evidence, fields)];
  return [
    ...wrap(escapeControl(claim), { width: room }).map(palette.bold),
    ...flow(about, '  ', { width: room, most: all ? Infinity : 2 }).map(palette.dim),
    ...renderSteps(next_step, all),
    ...(all && why !== undefined ? [palette.dim(escapeControl(why))] : []),
  ];
}

/** SQL is never wrapped or cut within a line, so that it can be copied. */
function renderSteps(steps: string | undefined, all: boolean): string[] {
  if (steps === undefined) return [];
  const lines = steps.split('\n').map(escapeControl);
  const shown = all ? lines : lines.slice(0, SQL_LINES);
  return shown.length < lines.length ? [...shown, `-- … ${lines.length - shown.length} more lines: --all`] : shown;
}

function renderInOrder({ inOrder }: Checked, { palette, width, all }: CheckupStyle): string[] {
  if (inOrder.length === 0) return [];
  const text = `In order (${inOrder.length}): ${inOrder.join(', ')}`;
  return ['', ...wrap(text, { width, most: all ? Infinity : 3 }).map(palette.dim)];
}

function renderGaps({ notExamined }: Checked, { palette, width, all }: CheckupStyle): string[] {
  if (notExamined.length === 0) return [];
  const shown = all ? notExamined : notExamined.slice(0, 3);
  return [
    '',
    palette.bold('Not examined'),
    ...shown.flatMap(({ what, reason, remedy }) => [
      ...wrap(`${escapeControl(what)}: ${escapeControl(reason)}`, { width: width - 2, most: all ? Infinity : 2 }).map(
        (line) => `  ${line}`,
      ),
      ...(remedy === undefined ? [] : remedy.split('\n').map((line) => INDENT + escapeControl(line))),
    ]),
    ...(shown.length < notExamined.length
      ? [`  … and ${notExamined.length - shown.length} more: --all shows them`]
      : []),
  ];
}
