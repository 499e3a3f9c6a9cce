import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, expect, it } from 'vitest';
import { lex } from './lexer.ts';
import { beginsAsStatement, mayNamePassword, withheldByTree, withheldByWords, wordsOf } from './withheld-statements.ts';

beforeAll(() => loadModule());

const words = (text: string) => wordsOf(text, lex(text));

const WITHHELD: readonly (readonly [text: string, byTree: string, byWords: string])[] = [
  ["CREATE ROLE a PASSWORD 'x'", 'CREATE ROLE', 'CREATE ROLE'],
  ["create user a in role b password 'x'", 'CREATE ROLE', 'CREATE USER'],
  ['CREATE GROUP a', 'CREATE ROLE', 'CREATE GROUP'],
  ["ALTER ROLE a PASSWORD 'x'", 'ALTER ROLE', 'ALTER ROLE'],
  ["ALTER USER ALL SET search_path = 'x'", 'ALTER ROLE', 'ALTER USER'],
  ["CREATE USER MAPPING FOR a SERVER s OPTIONS (password 'x')", 'CREATE USER MAPPING', 'CREATE USER MAPPING'],
  ["ALTER USER MAPPING FOR a SERVER s OPTIONS (SET password 'x')", 'ALTER USER MAPPING', 'ALTER USER MAPPING'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'CREATE SUBSCRIPTION', 'CREATE SUBSCRIPTION'],
  ["ALTER SUBSCRIPTION s CONNECTION 'x'", 'ALTER SUBSCRIPTION', 'ALTER SUBSCRIPTION'],
  ["CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (a 'x')", 'CREATE SERVER', 'CREATE SERVER'],
  ["ALTER SERVER s OPTIONS (SET a 'x')", 'ALTER SERVER', 'ALTER SERVER'],
  ["CREATE FOREIGN DATA WRAPPER w OPTIONS (a 'x')", 'CREATE FOREIGN DATA WRAPPER', 'CREATE FOREIGN DATA WRAPPER'],
  ["ALTER FOREIGN DATA WRAPPER w OPTIONS (a 'x')", 'ALTER FOREIGN DATA WRAPPER', 'ALTER FOREIGN DATA WRAPPER'],
  ["CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (a 'x')", 'CREATE FOREIGN TABLE', 'CREATE FOREIGN TABLE'],
  ["ALTER FOREIGN TABLE t OPTIONS (a 'x')", 'ALTER FOREIGN TABLE', 'ALTER FOREIGN TABLE'],
  ["IMPORT FOREIGN SCHEMA a FROM SERVER s INTO b OPTIONS (a 'x')", 'IMPORT FOREIGN SCHEMA', 'IMPORT FOREIGN SCHEMA'],
  ["SECURITY LABEL ON TABLE t IS 'x'", 'SECURITY LABEL', 'SECURITY LABEL'],
  ["COPY t FROM PROGRAM 'x'", 'COPY PROGRAM', 'COPY PROGRAM'],
  ["COPY (SELECT 1) TO PROGRAM 'x'", 'COPY PROGRAM', 'COPY PROGRAM'],
  ['SET a.b = x', 'SET', 'SET'],
  ['SET LOCAL a.b.c.d.e.f TO x', 'SET', 'SET'],
  ['SET SESSION "a.b" TO x', 'SET', 'SET'],
  ["ALTER SYSTEM SET primary_conninfo = 'x'", 'SET', 'SET'],
  ['ALTER DATABASE d SET a.b = x', 'SET', 'SET'],
  ['ALTER FUNCTION f SET a.b = x', 'SET', 'SET'],
  ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SET a.b = x AS ''", 'SET', 'SET'],
  ["SELECT 1; ALTER ROLE a PASSWORD 'x'", 'ALTER ROLE', 'ALTER ROLE'],
];

it.each(WITHHELD)('withholds %s by its tree and by its words', (text, byTree, byWords) => {
  expect(withheldByTree(parseSync(text))).toContain(`<${byTree} withheld: may contain a `);
  expect(withheldByWords(words(text))).toContain(`<${byWords} withheld: may contain a `);
});

it('withholds a foreign table that is altered as a table by its tree', () => {
  expect(withheldByTree(parseSync("ALTER TABLE t OPTIONS (SET a 'x')"))).toContain('ALTER FOREIGN TABLE');
});

it('says what the statement was and what it may hold', () => {
  expect(withheldByWords(words('alter role'))).toBe('<ALTER ROLE withheld: may contain a password>');
  expect(withheldByWords(words('set a.b = c'))).toBe('<SET withheld: may contain a secret>');
});

it.each([
  'SELECT role, password FROM users WHERE token = $1',
  'UPDATE users SET password = $1, a.b = $2',
  'WITH x AS (SELECT 1) UPDATE users SET token = $1',
  'EXPLAIN UPDATE users SET token = $1',
  'INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET token = $1',
  'CREATE TABLE users (id int, password text)',
  'ALTER TABLE users ADD COLUMN password text',
  'SET search_path TO a, b',
  'SET LOCAL pg_stat_statements.track = none',
  'SET TIME ZONE UTC',
  'RESET a.b',
  'DROP ROLE a',
  'GRANT a TO b',
  "DO $$ ALTER ROLE a PASSWORD 'x' $$",
  "COPY t FROM '/program'",
  'CREATE TABLE server (role int)',
])('shows %s', (text) => {
  expect(withheldByTree(parseSync(text))).toBeNull();
  expect(withheldByWords(words(text))).toBeNull();
});

it('walks a tree of any depth', () => {
  let tree: object = { AlterRoleStmt: {} };
  for (let i = 0; i < 200_000; i++) tree = { a: [tree] };
  expect(withheldByTree(tree)).toContain('ALTER ROLE');
});

it.each([
  'alter rol a password b',
  'set password "b"',
  "create login a identified by 'b'",
  'explain alter rol a password b',
])('finds that a password may stand in %s', (text) => {
  expect(mayNamePassword(words(text))).toBe(true);
});

it.each([
  'select password from t',
  'update t set password = b',
  'create table t (password text',
  'alter rol a password',
])('finds no password in %s', (text) => {
  expect(mayNamePassword(words(text))).toBe(false);
});

it('knows how statements begin', () => {
  expect(
    ['(select 1)', 'COMMIT;', 'begin; select 1', 'autovacuum: VACUUM a.b', ''].map(words).every(beginsAsStatement),
  ).toBe(true);
  expect(
    ['select 1; open sesame', 'sesame', '"select"', "'select'", '$1', '\\d'].map(words).some(beginsAsStatement),
  ).toBe(false);
});

it.each(['SET A . ', 'SET SET ', 'FROM PROGRAM ', 'CREATE ', 'ALTER USER ', '; ', 'PASSWORD ', '( '])(
  'reads a text of many %s in linear time',
  (piece) => {
    const text = piece.repeat(65_536 / piece.length);
    const start = performance.now();
    withheldByWords(text);
    mayNamePassword(text);
    beginsAsStatement(text);
    expect(performance.now() - start).toBeLessThan(2500);
  },
);
