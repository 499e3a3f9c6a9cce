import type { Finding } from '../../src/contract/finding.ts';
import { runAs, type Answer } from '../postgres/platform.ts';

/** Does what a finding advises, one statement after the other. */
export async function follow(url: string, { next_step = '' }: Finding): Promise<void> {
  const statements = next_step.split('\n').map(withoutComment);
  await runAs(url, ...statements.filter((statement) => statement !== ''));
}

/** Does also what it leaves to a person, in its comments. */
export async function followToTheEnd(url: string, { next_step = '' }: Finding): Promise<void> {
  const inComment = /^-- (?:[^;]*?: )?((?:SET|ALTER|CREATE) [^;]*;)/;
  const statements = next_step.split('\n').map((line) => inComment.exec(line)?.[1] ?? withoutComment(line));
  await runAs(url, ...statements.filter((statement) => statement !== ''));
}

/** What begins with -- in a constant is none. */
function withoutComment(line: string): string {
  return line.replace(/^((?:'[^']*'|[^'])*?) ?--.*/, '$1');
}

/** Does what a finding leaves to those who have looked: the first statement of this kind in its comments. */
export async function followComment(url: string, { next_step = '' }: Finding, kind: string): Promise<void> {
  const [statement] = new RegExp(`(?<=^-- (?:.*: )?)${kind} .*;$`, 'm').exec(next_step) ?? [];
  if (statement === undefined) throw new Error(`no ${kind} in: ${next_step}`);
  await runAs(url, statement);
}

/** How severe each finding is, and about what. */
export function objects({ findings }: Answer): string[] {
  return findings.map(({ severity, object }) => `${severity} ${object}`);
}

/** These fields of each row. */
export function fieldsOf({ rows }: Answer, ...fields: string[]): unknown[][] {
  return rows.map((row) => fields.map((field) => row[field]));
}
