import { expect, it } from 'vitest';
import { JsonRefusal, MAX_DEPTH, MAX_ITEMS, MAX_KEYS, parseStrictJson } from './strict-json.ts';

const refusalOf = (text: string): unknown => {
  try {
    return parseStrictJson(text);
  } catch (error) {
    return error instanceof JsonRefusal ? error.kind : error;
  }
};

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const withKeys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;

it.each([
  '{"a":[1,{"b":null}],"c":"}{\\"[,"}',
  '[]',
  '"x"',
  '{"a":{"x":1},"b":{"x":1}}',
  '[{"a":1},{"a":2}]',
  '{"a":"a","b":"b"}',
])('reads %s as JSON.parse does and finds nothing double', (text) => {
  expect(parseStrictJson(text)).toEqual({ value: JSON.parse(text), duplicates: [] });
});

it.each([
  ['{"a":1,"a":2}', [['a']]],
  ['{"a":1,"\\u0061":2}', [['a']]],
  ['{"p":{"q":[{"k":1,"k":1}]}}', [['p', 'q', '*', 'k']]],
  ['{"a":1, "b" : 2 ,\n"a":{"b":1,"b":1}}', [['a'], ['a', 'b']]],
  ['{"__proto__":1,"__proto__":2}', [['__proto__']]],
  ['{"":1,"":2}', [['']]],
])('finds what is double in %s', (text, duplicates) => {
  expect(parseStrictJson(text).duplicates).toEqual(duplicates);
});

it.each(['{', '', '{"a":1,}', "{'a':1}", '{"a":01}', '{"a":1}x', '"\\x"', '{"\\x":1}', 'NaN', '"a', '{"a'])(
  'refuses %j, which is not JSON',
  (text) => {
    expect(refusalOf(text)).toBe('syntax');
  },
);

it('takes the deepest nesting that is allowed and refuses one more', () => {
  expect(refusalOf(nested(MAX_DEPTH))).toMatchObject({ duplicates: [] });
  expect(refusalOf(nested(MAX_DEPTH + 1))).toBe('limit');
  expect(refusalOf('{"a":'.repeat(500_000))).toBe('limit');
});

it('takes as many keys as are allowed and refuses one more', () => {
  expect(refusalOf(withKeys(MAX_KEYS))).toMatchObject({ duplicates: [] });
  expect(refusalOf(withKeys(MAX_KEYS + 1))).toBe('limit');
});

it.each(['1', '""', '{}', '"\\u0041"'])('takes as many %s in a list as are allowed and refuses one more', (value) => {
  const list = (count: number) => `[${Array.from({ length: count }, () => value).join(',')}]`;
  expect(refusalOf(list(MAX_ITEMS))).toMatchObject({ duplicates: [] });
  expect(refusalOf(list(MAX_ITEMS + 1))).toBe('limit');
});

it('refuses as many lists in lists as values', () => {
  expect(refusalOf(`[${Array.from({ length: MAX_ITEMS / 50 }, () => nested(50)).join(',')}]`)).toBe('limit');
});

it.each(['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud800":1}', '["x\\uD83D"]'])(
  'refuses %s, which has no UTF-8',
  (text) => {
    expect(refusalOf(text)).toBe('syntax');
  },
);

it('takes a whole surrogate pair, and a backslash before a u that escapes nothing', () => {
  expect(parseStrictJson('"\\ud83d\\ude00 \\\\ud800"').value).toBe('\u{1f600} \\ud800');
});

it('needs time in proportion to the text', () => {
  const start = performance.now();
  expect(refusalOf('"'.repeat(1_048_576))).toBe('syntax');
  expect(refusalOf('\\"'.repeat(524_288))).toBe('syntax');
  expect(refusalOf(`["${'\\u0061'.repeat(170_000)}"]`)).toMatchObject({ duplicates: [] });
  expect(performance.now() - start).toBeLessThan(5000);
});
