import { expect, it } from 'vitest';
import { findPatternProblem } from './name-pattern.ts';

it.each(['*', 'shop', 'shop-*', '*_eu', 'a*b*c', 'app.prod', 'my db', 'a$b', 'größe', 'a/b', 'a+b'])(
  'takes %j',
  (pattern) => {
    expect(findPatternProblem(pattern)).toBeUndefined();
  },
);

it.each([
  ['', 'is empty'],
  ['a'.repeat(201), 'is longer'],
  ['shop-**', 'has "**"'],
  [' shop', 'white space'],
  ['shop\t', 'white space'],
  ['sh\u0000op', 'control character'],
  ['^shop', 'another kind'],
  ['shop$', 'another kind'],
  ['shop.*', 'another kind'],
  ['shop.+', 'another kind'],
  ['shop|stock', 'another kind'],
  ['(shop)', 'another kind'],
  ['[a-z]', 'another kind'],
  ['shop?', 'another kind'],
  ['{a,b}', 'another kind'],
  ['!shop', 'another kind'],
  ['\\d', 'another kind'],
])('refuses %j', (pattern, reason) => {
  expect(findPatternProblem(pattern)).toContain(reason);
});
