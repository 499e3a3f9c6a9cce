/** The verdicts of the guard without a server, on statements whose verdict is known. */
import { afterAll, expect, it } from 'vitest';
import { offlineGuard } from './guard-kit.ts';
import cases from './sql-guard-cases.json' with { type: 'json' };

const guard = offlineGuard();
afterAll(() => guard.close());

it.each(cases.map(({ sql, expect: expected, why }) => ({ sql, expected, why })))(
  '$expected: $sql',
  async ({ sql, expected, why }) => {
    const verdict = await guard.check(sql);
    expect(verdict.verdict, `${why}: ${JSON.stringify(verdict)}`).toBe(expected);
  },
);
