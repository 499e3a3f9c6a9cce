import { loadModule, parse } from 'libpg-query';
import type { DataAccess } from '../src/guard/access.ts';
import { createGuard } from '../src/guard/create-guard.ts';
import { openStatementTexts } from '../src/sqltext/statement-texts.ts';
import { interleave, quantile } from './ratio.ts';
import type { Results } from './results.ts';

const CHECKS_OF_ONE = 500;

const SEES_ALL: DataAccess = {
  hides: false,
  relation: () => ({ access: 'visible' }),
  column: () => ({ access: 'visible' }),
  grantsRelation: () => false,
  grantsFunction: () => false,
};

const COLUMNS = Array.from({ length: 28 }, (_, i) => `coalesce(t.column_${i}, ${i}) AS c${i}`).join(', ');

/** A kilobyte, each with another number in it. */
const statement = (i: number) =>
  `WITH w AS (SELECT ${COLUMNS} FROM t JOIN u USING (id) WHERE t.x > ${i} AND u.y LIKE 'a%') SELECT count(*) FROM w`;

/**
 * Statements of a kilobyte, by shipped facts: one that was never seen, one that was, and PostgreSQL's parser alone, in the
 * thread that asks and with its tree as objects.
 */
export async function measureGuard(rounds: number): Promise<NonNullable<Results['guard']>> {
  await loadModule();
  const texts = openStatementTexts();
  const guard = createGuard(texts);
  const known = statement(0);
  let seen = 0;
  const check = async (sql: string) => {
    const { verdict } = await guard.check({ sql, access: SEES_ALL, catalog: undefined });
    if (verdict !== 'allow') throw new Error('a verdict is wrong');
  };
  try {
    const samples = await interleave(
      {
        parser: () => parse(statement(++seen)),
        unseen: () => check(statement(++seen)),
        seen: async () => {
          for (let i = 0; i < CHECKS_OF_ONE; i++) await check(known);
        },
      },
      { rounds, warmUp: 200 },
    );
    const us = (name: string, times = 1) => {
      const { times: ms } = samples.find((each) => each.name === name) ?? { times: [] };
      const at = (q: number) => (quantile({ times: ms }, q) * 1000) / times;
      return { median: at(0.5), low: at(0.1), high: at(0.9) };
    };
    return { parserUs: us('parser'), unseenUs: us('unseen'), seenUs: us('seen', CHECKS_OF_ONE) };
  } finally {
    await texts.close();
  }
}
