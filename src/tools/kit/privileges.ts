import type { NotExamined } from '../../contract/finding.ts';
import type { RoleFacts } from '../../postgres/database.ts';
import { quoteIdentifier } from '../../postgres/sql.ts';
import { comment } from './quoting.ts';

/** Something that only members of a predefined role see. */
export interface Sees {
  readonly what: string;
  /** https://www.postgresql.org/docs/current/predefined-roles.html */
  readonly privilege: 'pg_read_all_stats' | 'pg_read_all_settings' | 'pg_monitor';
}

export function hasPrivilege(role: RoleFacts, privilege: Sees['privilege']): boolean {
  return role.superuser || role.effectiveRoles.includes(privilege);
}

/** What a login cannot see for want of a right, with the statement that grants it. */
export function hiddenFrom(role: RoleFacts, sees: readonly Sees[]): NotExamined[] {
  return sees
    .filter(({ privilege }) => !hasPrivilege(role, privilege))
    .map(({ what, privilege }) => ({
      what,
      ...whyHidden(role, privilege),
    }));
}

/** https://www.postgresql.org/docs/current/sql-grant.html: since PostgreSQL 16 each membership says whether it inherits. */
function whyHidden(role: RoleFacts, privilege: Sees['privilege']): Pick<NotExamined, 'reason' | 'remedy'> {
  const login = quoteIdentifier(role.name);
  if (!role.predefinedRoles.includes(privilege)) {
    return {
      reason: `The login ${login} is not a member of ${privilege}.`,
      remedy: `GRANT pg_monitor TO ${login};`,
    };
  }
  return {
    reason: `The login ${login} is a member of ${privilege}, and does not inherit its rights.`,
    remedy: `ALTER ROLE ${login} INHERIT;\n${comment(`and from PostgreSQL 16 on: GRANT pg_monitor TO ${login} WITH INHERIT TRUE;`)}`,
  };
}
