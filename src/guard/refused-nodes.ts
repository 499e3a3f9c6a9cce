import { DATA_MODIFYING } from './node-types.ts';
import { refuse } from './rules.ts';
import { locationOf, type Fields } from './tree.ts';
import type { Refusal } from './verdict.ts';

/** Why a node that is not allowed is refused; `type` is its type, with a field behind a dot where that is the reason. */
export function refuseNode(type: string, fields: Fields): Refusal {
  const at = 'location' in fields ? locationOf(fields) : undefined;
  if (DATA_MODIFYING.has(type)) {
    return refuse('statement/data-modifying', `${verbOf(type)} changes data.`, at);
  }
  if (type === 'IntoClause' || type === 'SelectStmt.intoClause') {
    return refuse('statement/into', 'SELECT INTO creates a table.', at);
  }
  if (type === 'LockingClause' || type === 'SelectStmt.lockingClause') {
    return refuse('statement/locking', 'FOR UPDATE and FOR SHARE lock rows.', at);
  }
  if (type === 'TypeName.pct_type' || type === 'TypeName.setof') {
    return refuse('type/not-allowed', 'A type by %TYPE or SETOF is not allowed.', at);
  }
  return refuse('node/not-allowed', `${type} is not among the parts of a statement that are allowed.`, at);
}

/** `INSERT` of `InsertStmt`, `ALTER TABLE` of `AlterTableStmt`. */
export function verbOf(type: string): string {
  return type
    .replace(/Stmt$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
}
