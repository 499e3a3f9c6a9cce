import type { Severity } from '../../contract/finding.ts';
import { renderEvidence } from '../../render/finding.ts';
import type { Palette } from '../../render/palette.ts';
import { formatQuantity } from '../../render/quantity.ts';
import { padEnd, shorten, textWidth } from '../../render/text-width.ts';
import { escapeControl } from '../../sqltext/untrusted-text.ts';
import { SEVERITIES, type Checkup, type FindingGroup } from './checkup.ts';
import type { Grade } from './grade.ts';

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

export function renderCheckup(checkup: Checkup, subject: Subject, style: CheckupStyle): string {
  return [
    ...renderHead(checkup, subject, style),
    ...renderGroups(checkup.groups, style),
    ...renderInOrder(checkup, style),
    ...renderGaps(checkup, style),
  ].join('\n');
}

function renderHead(
  { grade, groups, examined, asked }: Checkup,
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

function renderGroups(groups: readonly FindingGroup[], style: CheckupStyle): string[] {
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

function renderGroup({ tool, severity, fields, findings }: FindingGroup, style: CheckupStyle): string[] {
  const { palette, width, all } = style;
  const shown = all ? findings : findings.slice(0, 1);
  const lines = shown.flatMap((finding, i) => {
    const evidence = renderEvidence(finding.evidence, fields);
    const about = [finding.object === undefined ? '' : escapeControl(finding.object), evidence].filter(
      (part) => part !== '',
    );
    const label = padEnd(i === 0 ? severity.toUpperCase() : '', INDENT.length);
    return [
      ...wrap(escapeControl(finding.claim), width - INDENT.length).map((line, n) =>
        n === 0 ? `${palette.severity(severity, label)}${palette.bold(line)}` : INDENT + palette.bold(line),
      ),
      ...(about.length === 0
        ? []
        : wrap(about.join('  '), width - INDENT.length, all ? Infinity : 2).map((line) => INDENT + palette.dim(line))),
      ...renderSteps(finding.next_step, all),
      ...(all && finding.why !== undefined ? [INDENT + palette.dim(escapeControl(finding.why))] : []),
    ];
  });
  const more = findings.length - shown.length;
  return more === 0 ? lines : [...lines, INDENT + palette.dim(`… and ${more} more: howdah call ${tool}`)];
}

/** SQL is never wrapped or cut within a line, so that it can be copied. */
function renderSteps(steps: string | undefined, all: boolean): string[] {
  if (steps === undefined) return [];
  const lines = steps.split('\n').map((line) => INDENT + escapeControl(line));
  const shown = all ? lines : lines.slice(0, SQL_LINES);
  return shown.length < lines.length
    ? [...shown, `${INDENT}-- … ${lines.length - shown.length} more lines: --all`]
    : shown;
}

function renderInOrder({ inOrder }: Checkup, { palette, width, all }: CheckupStyle): string[] {
  if (inOrder.length === 0) return [];
  const text = `In order (${inOrder.length}): ${inOrder.join(', ')}`;
  return ['', ...wrap(text, width, all ? Infinity : 3).map((line) => palette.dim(line))];
}

function renderGaps({ notExamined }: Checkup, { palette, width, all }: CheckupStyle): string[] {
  if (notExamined.length === 0) return [];
  const shown = all ? notExamined : notExamined.slice(0, 3);
  return [
    '',
    palette.bold('Not examined'),
    ...shown.flatMap(({ what, reason, remedy }) => [
      ...wrap(`${escapeControl(what)}: ${escapeControl(reason)}`, width - 2, all ? Infinity : 2).map(
        (line) => `  ${line}`,
      ),
      ...(remedy === undefined ? [] : remedy.split('\n').map((line) => INDENT + escapeControl(line))),
    ]),
    ...(shown.length < notExamined.length
      ? [`  … and ${notExamined.length - shown.length} more: --all shows them`]
      : []),
  ];
}

/** Lines of at most `width` columns, broken between words; what is beyond `most` lines is cut. */
export function wrap(text: string, width: number, most = Infinity): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  lines.push(line);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), shorten(lines.slice(most - 1).join(' '), width)];
}
