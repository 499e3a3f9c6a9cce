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

/** What an attacker tries, by the ids of attacks.json. */
const ATTACKS: readonly (readonly [id: string, statements: readonly string[]])[] = [
  [
    'SQ-01: refuses stacked statements',
    ['SELECT 1; DROP TABLE t', 'SELECT 1;SELECT 2', "SELECT E'\\''; DROP TABLE t; --'"],
  ],
  [
    'SQ-02: refuses to leave the transaction',
    ['COMMIT', 'ROLLBACK; SELECT 1', 'END', 'SET TRANSACTION READ WRITE', 'START TRANSACTION', 'ABORT AND CHAIN'],
  ],
  [
    'SQ-03: refuses WITH that changes data',
    [
      'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x',
      'EXPLAIN WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x',
      'SELECT (WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM x)',
    ],
  ],
  [
    'SQ-07: refuses other roles',
    ['SET ROLE postgres', 'RESET ROLE', 'SET SESSION AUTHORIZATION x', "SELECT set_config('role', 'postgres', false)"],
  ],
  [
    'SQ-08: refuses to lift limits',
    [
      'SET statement_timeout = 0',
      "SELECT set_config('statement_timeout', '0', false)",
      'RESET ALL',
      'SET LOCAL work_mem = 1',
    ],
  ],
  [
    'SQ-09: reads comments and quotes as PostgreSQL does',
    [
      '/* /* */ SELECT 1 */ DROP TABLE t',
      'SELECT $$;$$; DROP TABLE t; SELECT $$;$$',
      'SELECT U&"pg\\005Fsleep"(1)',
      '-- SELECT 1\nDELETE FROM t',
      "SELECT 'a'\n'b'; DROP TABLE t",
    ],
  ],
  [
    'SQ-20: refuses to administer',
    [
      "ALTER SYSTEM SET work_mem = '1GB'",
      'CREATE EXTENSION dblink',
      'GRANT ALL ON t TO x',
      'CREATE ROLE x',
      'DROP DATABASE x',
    ],
  ],
];

it.each(ATTACKS)('%s', async (_, statements) => {
  const passed: string[] = [];
  for (const sql of statements) if ((await guard.ruleOf(sql)) === 'allow') passed.push(sql);
  expect(passed).toEqual([]);
});
