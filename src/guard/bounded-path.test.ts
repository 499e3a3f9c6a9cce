import { expect, it } from 'vitest';
import { isBoundedPath } from './bounded-path.ts';

it.each([
  '/r/i',
  '//item/@id',
  '.',
  '@id',
  '../@name',
  '../../@name',
  './/x/text()',
  '/root//item',
  '/*//item[1]',
  '/a/b[1]/c[last()]',
  '//book[author="X"]/title/text()',
  "//price[. > 10 and @currency = 'EUR']",
  '//a[position() < 3]',
  '//a[position() = last()]',
  'count(//item)',
  'count(//item) > 3',
  'boolean(/a/b)',
  'string(//a[@x])',
  '/ns:root/ns:item/@xlink:href',
  '//*[local-name()="Item"]',
  'normalize-space(/a/b)',
  '//a[contains(@class, "x | y")]',
  '//town[text() = "Toronto"]',
  '//a[not(b)]',
  '//a[translate(b, "ABC", "abc") = "abc"]',
  '//a[b/c = -1]',
  '//a[count(b) mod 2 = 1]',
  '(//a)[1]/b',
  'concat(/a/b, " ", /a/c)',
  '//SIZE[@unit != "sq_km"]/concat(text(), @unit)',
  '/a/child::b/attribute::c',
  'sum(//price) div count(//price)',
  'Größe/text()',
])('lets pass: %s', (path) => {
  expect(isBoundedPath(path)).toBe(true);
});

it.each([
  ['every node for every node', '//*[count(//*) > 0]'],
  ['cubed', 'count(//*[count(//*[count(//*)>0])>0])'],
  ['all below all', '//*//*'],
  ['all below many', '/r/a//b'],
  ['all below many with a condition', '/r[1]//b'],
  ['from the root in a condition', '//b[/a/c = 1]'],
  ['siblings', '//b/following-sibling::b'],
  ['siblings in a condition', '//b[preceding::b]'],
  ['siblings by the parent', '//b/../b'],
  ['parents in a condition', '//b[../c = 1]'],
  ['conditions in conditions', '//a[b[c = 1]]'],
  ['nodes that are compared with nodes', '//a = //b'],
  ['nodes that are compared with nodes in a condition', '/a[b = c]'],
  ['texts that are compared with texts', '/a[text() = text()]'],
  ['groups that are compared', '(//a) = (//b)'],
  ['a union', '//a | //b'],
  ['ancestors', '//a/ancestor::*'],
  ['descendants', '//a/descendant::b'],
  ['a dot that goes on', '//a/./b'],
  ['below any dots that go on', '//a/..//b'],
  ['nodes by their id', 'id(//a)'],
  ['a function that is not known', 'document("file:///etc/passwd")'],
  ['a variable', '$x'],
  ['a string that does not end', "//a[b='"],
  ['a bracket that does not end', '//a[b'],
  ['a long one', `/${'a/'.repeat(600)}b`],
])('refuses %s: %s', (_, path) => {
  expect(isBoundedPath(path)).toBe(false);
});

it('takes no time for a text that is made to take it', () => {
  const started = performance.now();
  for (const part of ['a:', '//', '(', "'", '[', 'a.', '1.', ' '])
    isBoundedPath(part.repeat(Math.floor(1000 / part.length)));
  expect(performance.now() - started).toBeLessThan(200);
});
