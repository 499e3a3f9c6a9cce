import type { NotExamined } from '../kit/index.ts';
import type { JudgedRule } from './hba-verdict.ts';

/** What stands for no single database: https://www.postgresql.org/docs/current/auth-pg-hba-conf.html */
const KEYWORDS = new Set(['all', 'sameuser', 'samerole', 'samegroup', 'replication']);
const WITHHELD = '[withheld]';

/** Which databases the caller may be told of. */
export interface DatabaseSight {
  readonly mayShow: (database: string) => boolean;
  /** Some database of the server is closed to the caller, and a regular expression may be about it. */
  readonly isNarrow: boolean;
}

/** Judged rules with the names that the caller may see; each keeps as many as it has. */
export function showDatabases(rules: readonly JudgedRule[], { mayShow, isNarrow }: DatabaseSight): JudgedRule[] {
  const isShown = (name: string) => KEYWORDS.has(name) || (name.startsWith('/') ? !isNarrow : mayShow(name));
  return rules.map((rule) => ({
    ...rule,
    database: rule.database?.map((name) => (isShown(name) ? name : WITHHELD)) ?? null,
    error: isNarrow ? withoutExpression(rule.error) : rule.error,
  }));
}

function withoutExpression(error: string | null): string | null {
  return error?.replaceAll(/(regular expression )"[^]*"/gi, `$1"${WITHHELD}"`) ?? null;
}

export function tellHidden(rules: readonly JudgedRule[], persona: string): NotExamined[] {
  const count = rules.filter(({ database }) => database?.includes(WITHHELD) === true).length;
  if (count === 0) return [];
  return [
    {
      what: `names of databases in ${count} ${count === 1 ? 'rule' : 'rules'}`,
      reason: `The persona ${JSON.stringify(persona)} does not open them.`,
    },
  ];
}
