import { expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import type { Problem } from './problem.ts';
import { parseYamlTree } from './yaml-tree.ts';

async function parse(text: string): Promise<{ tree: unknown; problems: string[] }> {
  const problems: Problem[] = [];
  const tree = await parseYamlTree(text, 'test.yaml', problems);
  return { tree, problems: problems.map(({ path, message }) => `${path} ${message}`) };
}

async function refusal(text: string): Promise<string> {
  const error: unknown = await parse(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PlatformError && error.code === 'CONFIG_INVALID') return error.message.replace(/^.*\n {2}/, '');
  throw new Error('was not refused', { cause: error });
}

it('reads YAML 1.2, where yes and 08 are text and a key without a value is absent', async () => {
  const { tree } = await parse('a: yes\nb: 08:30\nc: 12\nd: true\ne:\nf: ~\n3: x');
  expect(tree).toEqual({ a: 'yes', b: '08:30', c: 12, d: true, e: undefined, f: undefined, 3: 'x' });
});

it('follows aliases', async () => {
  expect((await parse('a: &x { b: [1, 2] }\nc: *x')).tree).toEqual({ a: { b: [1, 2] }, c: { b: [1, 2] } });
});

it('stops aliases that multiply each other', async () => {
  const bomb = Array.from(
    { length: 30 },
    (_, i) =>
      `k${i}: &k${i} [${Array(9)
        .fill(i === 0 ? 'x' : `*k${i - 1}`)
        .join(', ')}]`,
  );
  const start = performance.now();
  const { problems } = await parse(bomb.join('\n'));
  expect(problems).toEqual([expect.stringMatching(/^k\d\[\d\] has too many aliases; write the values$/)]);
  expect(performance.now() - start).toBeLessThan(2000);
});

it.each([
  ['password: *hunter2', 'password'],
  ['a: &a [*a]', 'a[0]'],
])('refuses an alias without an anchor, or of what it stands in: %s', async (text, path) => {
  expect((await parse(text)).problems).toEqual([
    `${path} has an alias whose anchor is not complete above it; write the value`,
  ]);
});

it('refuses a key that is given twice, and __proto__ anywhere', async () => {
  const { tree, problems } = await parse('a: { b: 1, b: 2 }\nc: { __proto__: { d: 1 } }\na: 3');
  expect(problems).toEqual([
    'a.b is given twice; keep one',
    'c.__proto__ is a name that cannot be used; choose another',
    'a is given twice; keep one',
  ]);
  expect(Object.getPrototypeOf(Reflect.get(Object(tree), 'c'))).toBe(Object.prototype);
});

it.each([
  [
    'servers:\n  shop:\n    password: "hunter2\n    url: x',
    'line 4, column 11 (`url: …`): lacks a closing quote, bracket, comma or space after a colon',
  ],
  [
    'servers:\n  shop:\n    password: "hun\\qter2"',
    'line 3, column 19 (`password: …`): has a backslash that escapes nothing; use single quotes',
  ],
  [
    'servers: { hunter2: [ }',
    'line 1, column 23 (`servers: …`): is indented wrongly, or a bracket before it is open; align it with its neighbours',
  ],
  [
    'password: @hunter2',
    'line 1, column 11 (`password: …`): begins with a character that needs quotes around the value',
  ],
  ['password: !hunter2 x', 'line 1, column 11 (`password: …`): has a tag; put a value that begins with ! in quotes'],
  ['telemetry:\n\tlog_level: hunter2', 'line 2, column 1 (`log_level: …`): is indented with a tab; use spaces'],
  ['password: hunter2: x', 'line 1, column 11 (`password: …`): has a second colon; put the value in quotes'],
  ['"hunter2\nhunter2: x', 'line 2, column 11: lacks a closing quote, bracket, comma or space after a colon'],
  ['? [hunter2]\n: x', 'line 1, column 3: has a key that is no text; put it in quotes'],
  ['a: 1\n---\nb: hunter2', 'has several documents; keep one, without ---'],
  ['%YAML 1.1\n---\na: hunter2', 'has a line that begins with %; take it away'],
])('says where %j is no YAML, and shows no value', async (text, expected) => {
  expect(await refusal(text)).toBe(expected);
});

/** Each of them breaks or stalls a naive parser. */
it.each([
  ['flow lists', '['.repeat(20_000) + ']'.repeat(20_000)],
  ['open flow lists', '['.repeat(200_000)],
  ['flow mappings', '{a: '.repeat(50_000)],
  ['block lists', '- '.repeat(100_000)],
  ['explicit keys', '? '.repeat(100_000)],
  ['compact mappings', 'a: '.repeat(100_000)],
  ['indented mappings', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
])('refuses endless %s', async (_, text) => {
  expect(await refusal(text)).toMatch(/is nested deeper than 50 levels/);
});

it.each([
  ['stray brackets', ']}'.repeat(400_000)],
  ['documents', '---\n'.repeat(200_000)],
])('gives up early on endless %s', async (_, text) => {
  const start = performance.now();
  await refusal(text);
  expect(performance.now() - start).toBeLessThan(5000);
});

it('refuses endless anchors', async () => {
  expect(await refusal('&a '.repeat(200_000))).toMatch(/^line 1, column 4: is not YAML here/);
});

it('reads 40,000 keys without comparing each with each', async () => {
  const start = performance.now();
  const { tree } = await parse(Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join('\n'));
  expect(Object.keys(Object(tree))).toHaveLength(40_000);
  expect(performance.now() - start).toBeLessThan(5000);
});
