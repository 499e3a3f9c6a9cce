import { compile } from '../../postgres/sql.ts';
import type { Variants } from '../../postgres/version.ts';
import type { ToolStatement } from './tool.ts';

/** The texts of a tool's statements for people and tests; an extension's schema reads as its usual one. */
export function describeStatements({ of, entries }: Variants): readonly ToolStatement[] {
  return entries.map(([version, query]) => ({
    since: of === 'server' ? `PostgreSQL ${version}` : `${of.extension} ${version}`,
    ...compile(query, () => 'public'),
  }));
}
