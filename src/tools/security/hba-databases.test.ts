import { expect, it } from 'vitest';
import { showDatabases, tellHidden } from './hba-databases.ts';
import type { StoredRule } from './hba-rule.ts';
import { examineRules } from './hba-verdict.ts';
import { judgeHba } from './judge-hba.ts';

const rule = (line: number, ...database: string[]): StoredRule => ({
  rule: line,
  file: null,
  line,
  type: 'host',
  database,
  user: ['all'],
  address: '10.0.0.0',
  netmask: '255.0.0.0',
  method: 'trust',
  options: [],
  error: null,
});
const rules = examineRules([
  rule(1, 'shop', 'payroll'),
  rule(2, '/^pay', 'replication', 'samerole', 'sameuser'),
  rule(3, 'payroll'),
  rule(4, 'all'),
]);
const narrow = { mayShow: (name: string) => name === 'shop', isNarrow: true };

it('names no database that the caller may not see, in rules and in findings', () => {
  const shown = showDatabases(rules, narrow);
  expect(shown.map(({ database }) => database)).toEqual([
    ['shop', '[withheld]'],
    ['[withheld]', 'replication', 'samerole', 'sameuser'],
    ['[withheld]'],
    ['all'],
  ]);
  // judged by what they are
  expect(shown[2]).toMatchObject({ concern: 'never_reached', covered_by: 1 });
  expect(JSON.stringify(judgeHba(shown))).not.toContain('pay');
  expect(tellHidden(shown, 'narrow')).toEqual([
    { what: 'names of databases in 3 rules', reason: 'The persona "narrow" does not open them.' },
  ]);
});

it('quotes no regular expression that PostgreSQL could not read', () => {
  const error = 'invalid regular expression "^pay(": parentheses () not balanced';
  const broken = examineRules([{ ...rule(1), type: null, database: null, error }]);
  expect(showDatabases(broken, narrow)[0]?.error).toBe(
    'invalid regular expression "[withheld]": parentheses () not balanced',
  );
});

it('shows everything to those who may see every database', () => {
  const shown = showDatabases(rules, { mayShow: () => true, isNarrow: false });
  expect(shown).toEqual(rules);
  expect(tellHidden(shown, 'dba')).toEqual([]);
});
