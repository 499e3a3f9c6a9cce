/** Statements as PostgreSQL's documentation has them, each of its tables of functions and every clause of SELECT. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { offlineGuard } from './guard-kit.ts';

const guard = offlineGuard();
afterAll(() => guard.close());

const statements = readFileSync(new URL('sql-guard-documented.sql', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');

it.each(statements)('allows %s', async (sql) => {
  expect(await guard.check(sql)).toMatchObject({ verdict: 'allow' });
});
