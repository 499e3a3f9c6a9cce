import { createGuard } from '../src/guard/create-guard.ts';
import type { DataAccess } from '../src/guard/access.ts';
import type { Verdict } from '../src/guard/guard.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';

/** A persona that nothing is hidden from, and that is granted no function of users. */
export const SEES_ALL: DataAccess = {
  hides: false,
  relation: () => ({ access: 'visible' }),
  column: () => ({ access: 'visible' }),
  grantsRelation: () => false,
  grantsFunction: () => false,
};

/** The same, with something hidden elsewhere. */
export const HIDES: DataAccess = { ...SEES_ALL, hides: true };

export interface OfflineGuard {
  check(sql: string, access?: DataAccess): Promise<Verdict>;
  /** `allow`, or the rule that refused it. */
  ruleOf(sql: string, access?: DataAccess): Promise<string>;
  close(): Promise<void>;
}

/** The guard without a server: shipped facts answer. */
export function offlineGuard(): OfflineGuard {
  const texts = openStatementTexts();
  const guard = createGuard(texts);
  const check: OfflineGuard['check'] = (sql, access = SEES_ALL) => guard.check({ sql, access, catalog: undefined });
  return {
    check,
    ruleOf: async (sql, access) => {
      const verdict = await check(sql, access);
      return verdict.verdict === 'allow' ? 'allow' : verdict.rule;
    },
    close: () => texts.close(),
  };
}
