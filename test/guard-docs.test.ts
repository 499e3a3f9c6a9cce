import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RELATION_RULES } from '../src/guard/relation-rules.ts';
import { RULES } from '../src/guard/rules.ts';
import { TRUSTED_EXTENSIONS } from '../src/guard/trusted-extensions.ts';

const page = readFileSync(new URL('../docs/sql-guard.md', import.meta.url), 'utf8');

it('docs/sql-guard.md has a section for each rule of the guard, and no other', () => {
  const sections = [...page.matchAll(/^### `([^`]+)`$/gm)].map(([, rule = '']) => rule);
  expect(new Set(sections).size, 'no section twice').toBe(sections.length);
  expect(sections.toSorted()).toEqual([...Object.keys(RULES), ...Object.keys(RELATION_RULES)].toSorted());
});

it('names the extensions that are trusted', () => {
  const [, list = ''] = /types of these extensions: ([^.]+)\./.exec(page) ?? [];
  expect(list.split(/,\s+|\s+and\s+/).toSorted()).toEqual(TRUSTED_EXTENSIONS.toSorted());
});

it('has a hint for each rule that is a sentence', () => {
  for (const hint of [...Object.values(RULES), ...Object.values(RELATION_RULES)])
    expect(hint).toMatch(/^[A-Z].*[.}…]$/);
});
