import { expect, it } from 'vitest';
import { rememberNames, rememberPlaces } from './memory.ts';

it('keeps no more than a thousand names, however many callers think of', () => {
  let asked = 0;
  const decide = rememberNames((name) => {
    asked += 1;
    return { allowed: name.endsWith('7'), rule: name };
  });
  for (let i = 0; i < 2500; i++) expect(decide(`server-${i}`)).toEqual({ allowed: i % 10 === 7, rule: `server-${i}` });
  decide('server-2499');
  expect(asked).toBe(2500);
  decide('server-0');
  expect(asked).toBe(2501);
});

it('keeps nothing of a long name', () => {
  let asked = 0;
  const decide = rememberNames(() => ({ allowed: false, rule: `${(asked += 1)}` }));
  for (let i = 0; i < 3; i++) decide('x'.repeat(201));
  expect(asked).toBe(3);
});

it('tells places apart whose names only look the same together', () => {
  const decide = rememberPlaces(({ server, database }) => ({
    allowed: true,
    rule: JSON.stringify([server, database]),
  }));
  const places = [
    ['a', 'b c'],
    ['a b', 'c'],
    ['', 'a b c'],
    ['a b c', ''],
  ] as const;
  for (const [server, database] of [...places, ...places])
    expect(decide({ server, database }).rule).toBe(JSON.stringify([server, database]));
});
