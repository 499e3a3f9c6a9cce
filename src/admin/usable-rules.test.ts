import { expect, it } from 'vitest';
import { createConfigError } from '../config/problem.ts';
import { PersonaSpec } from '../contract/persona.ts';
import type { StoredRules } from '../policy/stored-rules.ts';
import { createRuleMemory } from './rule-memory.ts';
import { useWhatCanBe } from './usable-rules.ts';

const spec = PersonaSpec.parse({});
const grant = (id: string) => ({ id }) as StoredRules['grants'][number];
const rules = (names: Record<string, number>, grants: readonly string[] = []): StoredRules => ({
  personas: Object.fromEntries(Object.keys(names).map((name) => [name, spec])),
  versions: new Map(Object.entries(names)),
  grants: grants.map(grant),
});

it('leaves out the persona that cannot be used, so that the end of a grant counts all the same', () => {
  const tried: string[][] = [];
  const use = (wanted: StoredRules) => {
    tried.push(Object.keys(wanted.personas));
    if ('bad' in wanted.personas) throw createConfigError('x', [{ path: 'personas.bad.login', message: 'is none' }]);
  };
  const { used, leftOut } = useWhatCanBe(rules({ good: 1, bad: 2 }, ['g']), use);
  expect(leftOut).toEqual(['bad']);
  expect(used).toEqual(rules({ good: 1 }, ['g']));
  expect(tried).toEqual([['good', 'bad'], ['good']]);
});

const refusePersonas = (wanted: StoredRules) => {
  if (Object.keys(wanted.personas).length > 0) throw new Error('who knows');
};

it('leaves out all of them where nobody says which it is, and fails where that does not help', () => {
  expect(useWhatCanBe(rules({ a: 1, b: 1 }), refusePersonas).leftOut).toEqual(['a', 'b']);
  expect(() =>
    useWhatCanBe(rules({ a: 1 }), () => {
      throw new Error('the file itself');
    }),
  ).toThrow('the file itself');
});

const read = (now: StoredRules, newest: Record<string, number>, ended: string[] = []) => ({
  rules: now,
  newest: new Map(Object.entries(newest)),
  ended: new Set(ended),
});

it('does not go back to a version before, nor to a grant that has ended', () => {
  const memory = createRuleMemory();
  const [wide, narrow] = [rules({ a: 1 }, ['g']), rules({ a: 2 })];
  expect(memory.withoutReturns(read(wide, { a: 1 }), rules({})).returned).toEqual([]);
  expect(memory.withoutReturns(read(narrow, { a: 2 }, ['g']), wide)).toEqual({ rules: narrow, returned: [] });
  // the newest version and the end of the grant were deleted
  expect(memory.withoutReturns(read(wide, { a: 1 }), narrow)).toEqual({
    rules: narrow,
    returned: ['persona_version a/2', 'persona_grant_end of g'],
  });
  // a persona that was removed stays so
  memory.withoutReturns(read(rules({}), { a: 3 }), narrow);
  expect(memory.withoutReturns(read(wide, { a: 1 }), rules({})).rules).toEqual(rules({}));
});
