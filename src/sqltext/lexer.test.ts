import { expect, it } from 'vitest';
import { lex } from './lexer.ts';

/** Kinds by their first letter, and where a token is more than a word, its text. */
function tokensOf(text: string): string[] {
  return lex(text).tokens.map(({ kind, start, end }) => `${kind.charAt(0)}:${text.slice(start, end)}`);
}

it.each([
  [`'it''s' x`, ["c:'it''s'", 'w:x']],
  [String.raw`E'it\'s' x`, [String.raw`c:E'it\'s'`, 'w:x']],
  [String.raw`e'\\' x`, [String.raw`c:e'\\'`, 'w:x']],
  [String.raw`U&'d\0061t' uescape '!' x`, [String.raw`c:U&'d\0061t'`, 'w:uescape', "c:'!'", 'w:x']],
  [`N'a' B'01' X'1F' x`, ["c:N'a'", "c:B'01'", "c:X'1F'", 'w:x']],
  [`te'a'x`, ['w:te', "c:'a'", 'w:x']],
  [`$$it's$$ x`, ["c:$$it's$$", 'w:x']],
  [`$a$ $$ $b$ $A$ $a$ x`, ['c:$a$ $$ $b$ $A$ $a$', 'w:x']],
  [`$ä1$ ' $ä1$ x`, [`c:$ä1$ ' $ä1$`, 'w:x']],
  [`a$$b$$ x`, ['w:a$$b$$', 'w:x']],
  [`$1$$b$$ x`, ['p:$1', 'c:$$b$$', 'w:x']],
  [`$1a $ x`, ['p:$1', 'w:a', 's:$', 'w:x']],
])('finds where the string ends in %s', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

it.each([
  ["'a'\n'b' x", ["c:'a'\n'b'", 'w:x']],
  ["'a' -- it's\n\t-- more\n'b' x", ["c:'a' -- it's\n\t-- more\n'b'", 'w:x']],
  ["E'a'\n'\\'b' x", ["c:E'a'\n'\\'b'", 'w:x']],
  ["'a' 'b' x", ["c:'a'", "c:'b'", 'w:x']],
  ["'a' /*\n*/ 'b' x", ["c:'a'", "c:'b'", 'w:x']],
])('goes on with a string in the next line only: %j', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

it.each(['42', '1_000', '0x1F', '0o17', '0b01', '1.5', '.5', '4.', '1e5', '1E-5', '1.5e+10', '.5e3', '1abc', '1_$$'])(
  'takes %s as one number',
  (number) => {
    expect(tokensOf(`(${number})`)).toEqual(['s:(', `c:${number}`, 's:)']);
  },
);

it('keeps a range of numbers apart', () => {
  expect(tokensOf('1..2')).toEqual(['c:1', 's:..', 'c:2']);
});

it.each([
  ['a -- it\'s "\nb', ['w:a', 'w:b']],
  ['a --c\rb', ['w:a', 'w:b']],
  [`a /* ' /* " */ $$ */ b`, ['w:a', 'w:b']],
  ['a /*/ */ b', ['w:a', 'w:b']],
  ['a /***/ b', ['w:a', 'w:b']],
  ['a+--1\nb', ['w:a', 's:+', 'w:b']],
  ['a*/*1*/b', ['w:a', 's:*', 'w:b']],
  ['a<!--1\nb', ['w:a', 's:<!', 'w:b']],
  ['a->>b @> c', ['w:a', 's:->>', 'w:b', 's:@>', 'w:c']],
])('leaves out the comments of %j', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

it.each([
  [`"a""b'--" x`, [`n:"a""b'--"`, 'w:x']],
  [`U&"d\\0061" x`, [`n:U&"d\\0061"`, 'w:x']],
  ['größe_1$ x', ['w:größe_1$', 'w:x']],
  ['a\u00a0b', ['w:a\u00a0b']],
])('keeps the identifiers of %s', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

it('takes what is longer than an identifier can be as a constant', () => {
  const [fits, word, name] = ['a'.repeat(63), 'a'.repeat(64), `"${'a'.repeat(64)}"`];
  expect(tokensOf(`${fits} ${word} ${name}`)).toEqual([`w:${fits}`, `c:${word}`, `c:${name}`]);
});

it('takes a parameter that no statement can have as a constant', () => {
  expect(tokensOf('$65535 $65536')).toEqual(['p:$65535', 'c:$65536']);
});

it.each([
  String.raw`'it\'s' , x`,
  String.raw`'\\\' x`,
  String.raw`N'a\' x`,
  String.raw`U&'a\' x`,
  "'open",
  "'open''",
  String.raw`E'open\'`,
  '$a$ open $a',
  '"open',
  'U&"open',
])('takes %s as one constant to the end, since it may be inside of one', (text) => {
  expect(tokensOf(text)).toEqual([`c:${text}`]);
  expect(lex(text).open).toBe(true);
});

it('ends a string at a quote behind an even number of backslashes', () => {
  expect(tokensOf(String.raw`'a\\' x`)).toEqual([String.raw`c:'a\\'`, 'w:x']);
});

it('reads the usual ESCAPE clause as it is meant', () => {
  expect(tokensOf(String.raw`escape '\' and x`)).toEqual(['w:escape', String.raw`c:'\'`, 'w:and', 'w:x']);
  expect(tokensOf(String.raw`escape '\'' and x`)).toEqual(['w:escape', String.raw`c:'\'' and x`]);
  expect(tokensOf(String.raw`a '\' and x`)).toEqual(['w:a', String.raw`c:'\' and x`]);
});

it('says that a comment is open', () => {
  expect(lex('a /* b').open).toBe(true);
  expect(lex('a /* /* b */').open).toBe(true);
  expect(lex('a /* b */ -- c').open).toBe(false);
});

it('measures runs of operator characters across the starts of comments', () => {
  expect(lex('a +-+- b').operatorRun).toBe(4);
  expect(lex(`a ${'/**/'.repeat(100)} b`).operatorRun).toBe(400);
  expect(lex(`a ${'/*'.repeat(100)}${'*/'.repeat(100)} b`).operatorRun).toBe(400);
  expect(lex(`a '${'+'.repeat(100)}' -- ${'-'.repeat(100)}\n b`).operatorRun).toBe(0);
});
