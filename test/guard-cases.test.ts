/** The verdicts of the guard without a server, on statements whose verdict is known. */
import { afterAll, expect, it } from 'vitest';
import { offlineGuard } from './guard-kit.ts';
import given from './sql-guard-cases.json' with { type: 'json' };
import own from './sql-guard-own-cases.json' with { type: 'json' };

const guard = offlineGuard();
afterAll(() => guard.close());

const cases = [...given, ...own].map(({ sql, expect: expected, why }) => ({ sql, expected, why }));

it.each(cases)('$expected: $sql', async ({ sql, expected, why }) => {
  const verdict = await guard.check(sql);
  expect(verdict.verdict, `${why}: ${JSON.stringify(verdict)}`).toBe(expected);
});

it('has no case twice', () => {
  expect(new Set(cases.map(({ sql }) => sql)).size).toBe(cases.length);
});
