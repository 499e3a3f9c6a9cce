/** What an attacker tries, from attacks.json: each case is proven by a test whose name begins with its id. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import attacks from './attacks.json' with { type: 'json' };

const ROOTS = ['../src/', '.'].map((path) => new URL(path, import.meta.url));

/** The ids at the beginning of the names of tests: `it('MH-01: …`, also several of them and in a table of cases. */
const cited = new Set(
  ROOTS.flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
      .flatMap((file) => [
        ...readFileSync(new URL(file, root), 'utf8').matchAll(/['"`([]((?:[A-Z]{2}-\d{2}(?:, )?)+)/g),
      ])
      .flatMap(([, ids = '']) => ids.split(', ')),
  ),
);

it.each(attacks)('$id ($title) is proven by a test', ({ id, must }) => {
  expect(cited, `${id} must be met: ${must}. Begin the name of the test that proves it with "${id}: ".`).toContain(id);
});

it('cites no id that is not there', () => {
  const known = new Set(attacks.map(({ id }) => id));
  expect([...cited].filter((id) => /^(AK|AU|FD|MH|MS|OP|PE|RS|SQ|ST)-/.test(id) && !known.has(id))).toEqual([]);
});
