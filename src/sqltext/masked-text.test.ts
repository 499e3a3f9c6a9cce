import { expect, it } from 'vitest';
import { lex } from './lexer.ts';
import { fingerprintTokens, maskConstants } from './masked-text.ts';

const mask = (text: string) => maskConstants(text, lex(text));
const fingerprint = (text: string) => fingerprintTokens(text, lex(text));

it.each([
  ["SELECT *\n\tFROM t -- c\n WHERE a='x' AND b IN (1,2)", 'SELECT * FROM t WHERE a=$1 AND b IN ($2,$3)'],
  ["select $2, 'x', $1", 'select $2, $3, $1'],
  ["select -5, a-'1', b::int, c[1]", 'select -$1, a-$2, b::int, c[$3]'],
  ["select 'a'b, x'c'd", 'select $1 b, $2 d'],
  ['select a/**/b, 1/**/-/**/-1', 'select a b, $1 - -$2'],
  ['select true, null, "Äpfel"', 'select true, null, "Äpfel"'],
])('masks %j', (text, masked) => {
  expect(mask(text)).toBe(masked);
});

it('shows that a text goes on', () => {
  expect(mask("select 'a', 'b")).toBe('select $1, $2…');
  expect(mask('select 1 /* a')).toBe('select $1…');
});

it('gives statements that differ in constants, lists, case and layout one fingerprint', () => {
  const one = fingerprint('SELECT a FROM "users" WHERE id IN (1) AND b = $1');
  expect(fingerprint("select a\nfrom users /* c */ where ID in ('x', 2, $3) and b = 7;")).toBe(one);
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprint('insert into t values (1, 2)')).toBe(fingerprint('insert into t values (3, 4), (5, 6)'));
});

it('gives other statements other fingerprints', () => {
  const texts = ['select a from t', 'select b from t', 'select "A" from t', 'select a from t where a > 1', 'select 1'];
  expect(new Set(texts.map(fingerprint)).size).toBe(texts.length);
});
