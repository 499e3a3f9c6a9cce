import type { Finding, NotExamined } from '../contract/finding.ts';
import { escapeControl } from '../sqltext/untrusted-text.ts';
import type { Field } from './field.ts';
import type { Palette } from './palette.ts';
import type { Unit } from './quantity.ts';
import { formatValue } from './value.ts';

const INDENT = '  ';

/** The severity and claim on one line; below it the object, the numbers and the next step. */
export function renderFinding(finding: Finding, fields: readonly Field[], palette: Palette): string[] {
  const { severity, claim, object, next_step } = finding;
  const evidence = renderEvidence(finding.evidence, fields).join(' ');
  const about = [object === undefined ? '' : escapeControl(object), evidence].filter((part) => part !== '');
  return [
    `${palette.severity(severity, severity.toUpperCase())} ${palette.bold(escapeControl(claim))}`,
    ...(about.length > 0 ? [INDENT + about.join(': ')] : []),
    ...(next_step === undefined ? [] : indent(next_step)),
  ];
}

/** `key=value` of each number. */
export function renderEvidence(evidence: Finding['evidence'], fields: readonly Field[]): string[] {
  return Object.entries(evidence).map(([key, value]) => formatEvidence(key, value, fields).join('='));
}

/** With the unit that the field of the same name has in the answer's schema, or that the key ends with. */
export function formatEvidence(key: string, value: unknown, fields: readonly Field[]): [name: string, text: string] {
  const field = findField(key, fields);
  const named = unitOfName(key);
  const unit = field?.unit ?? named?.unit;
  // `age_s=2 h` would read as two units
  const name = named !== undefined && typeof value === 'number' ? named.name : key;
  return [escapeControl(name), formatValue(value, { unit, time: field?.time ?? false, fields: [] })];
}

export function renderNotExamined({ what, reason, remedy }: NotExamined, palette: Palette): string[] {
  const line = `${palette.dim('not examined:')} ${escapeControl(what)}: ${escapeControl(reason)}`;
  return [line, ...(remedy === undefined ? [] : indent(remedy))];
}

/** SQL keeps its lines; each is indented, so that no name in it can look like a line of ours. */
function indent(text: string): string[] {
  return text.split('\n').map((line) => `${INDENT}${INDENT}${escapeControl(line)}`);
}

function findField(key: string, fields: readonly Field[]): Field | undefined {
  const own = fields.find((field) => field.key === key);
  if (own) return own;
  for (const { fields: inner } of fields) {
    const found = inner.find((field) => field.key === key);
    if (found) return found;
  }
  return undefined;
}

const SUFFIXES: readonly (readonly [suffix: string, unit: Unit])[] = [
  ['_bytes', 'bytes'],
  ['_ms', 'ms'],
  ['_s', 's'],
];

/** `age_s` is an age in seconds. */
function unitOfName(key: string): { readonly name: string; readonly unit: Unit } | undefined {
  const [suffix, unit] = SUFFIXES.find(([end]) => key.endsWith(end)) ?? [];
  return suffix === undefined || unit === undefined ? undefined : { name: key.slice(0, -suffix.length), unit };
}
