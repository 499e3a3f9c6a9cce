import { describe, expect, it } from 'vitest';
import { canonicalPattern, isFault, parseDataPattern } from './data-pattern.ts';
import { canonicalDataRules, compileDataRules, findDataProblems } from './data-rules.ts';

const compiled = (deny: string[], mask: Record<string, string> = {}) => {
  const rules = compileDataRules({ deny, mask }, 'personas.p.data');
  if (rules === undefined) throw new Error('no rules');
  return rules;
};
const problems = (deny: string[], mask: Record<string, string> = {}) =>
  findDataProblems({ deny, mask }, 'p').map(({ path, message }) => `${path} ${message}`);

const denied = (i: number, text: string) => ({
  access: 'denied',
  rule: `personas.p.data.deny[${i}] ${JSON.stringify(text)}`,
});

describe('a pattern of data', () => {
  it.each([
    ['hr.salaries', '"hr"."salaries"'],
    ['HR.Salaries', '"hr"."salaries"'],
    ['"HR"."Odd.Name"', '"HR"."Odd.Name"'],
    ['"a""b".t.c', '"a""b"."t"."c"'],
    ['hr.*', '"hr".*'],
    ['*.secret_*', '*.secret_*'],
    ['"hr"."*"', '"hr"."*"'],
  ])('reads %s as PostgreSQL reads identifiers', (text, canonical) => {
    const parsed = parseDataPattern(text);
    expect(isFault(parsed) ? parsed.problem : canonicalPattern(parsed)).toBe(canonical);
  });

  it.each([
    ['', /is empty; write schema\.table/],
    ['hr', /has no dot; write schema\.table, such as hr\.\* for a schema/],
    ['a.b.c.d', /has 4 parts/],
    ['a..b', /has an empty part/],
    ['.b', /has an empty part/],
    ['a.', /has an empty part/],
    ['a."".b', /has an empty part/],
    ['a."b', /has a quote without its end/],
    ['a.b"c"', /has a quote in the middle of a part/],
    ['"a"b.c', /has a quote in the middle of a part/],
    ['a.**', /has "\*\*"/],
    ['a.my table', /needs quotes as an identifier; write "my table"/],
    ['a.b-c', /write "b-c" in double quotes/],
    ['a.(b|c)', /needs quotes/],
    [`a.${'x'.repeat(64)}`, /more than 63 bytes/],
    ['x'.repeat(301), /longer than 300 characters/],
  ])('that cannot be meant is refused: %j', (text, message) => {
    expect(problems([text])).toEqual([expect.stringMatching(message)]);
  });
});

describe('data rules', () => {
  it('are none where there is none', () => {
    expect(compileDataRules({ deny: [], mask: {} }, 'p')).toBeUndefined();
  });

  it('decide on schemas, relations and columns and name the rule', () => {
    const rules = compiled(['hr.*', 'public.users.password_hash', '*.salaries', 'app."T*"'], {
      'public.customers.email': 'hash',
    });
    expect(rules.schema('hr')).toEqual(denied(0, 'hr.*'));
    expect(rules.schema('HR')).toEqual({ access: 'visible' });
    expect(rules.schema('public')).toEqual({ access: 'visible' });
    expect(rules.relation('hr', 'anything')).toEqual(denied(0, 'hr.*'));
    expect(rules.relation('public', 'salaries')).toEqual(denied(2, '*.salaries'));
    expect(rules.relation('public', 'users')).toEqual({ access: 'visible' });
    expect(rules.relation('app', 'T*')).toEqual(denied(3, 'app."T*"'));
    expect(rules.relation('app', 'Tx')).toEqual({ access: 'visible' });
    expect(rules.column('public', 'users', 'password_hash')).toEqual(denied(1, 'public.users.password_hash'));
    expect(rules.column('public', 'users', 'id')).toEqual({ access: 'visible' });
    expect(rules.column('hr', 'x', 'y')).toEqual(denied(0, 'hr.*'));
    expect(rules.column('public', 'customers', 'email')).toEqual({
      access: 'masked',
      mask: 'hash',
      rule: 'personas.p.data.mask."public.customers.email"',
    });
  });

  it('tell all problems of masks at once', () => {
    expect(
      problems(['hr.*', 'a.b.*'], {
        'public.customers': 'hash',
        'public.*.email': 'hash',
        'hr.people.name': 'redact',
        'public.a.b': 'hsah',
        'PUBLIC.a.c': 'null',
        'public.a.c': 'year',
      }),
    ).toEqual([
      'p.deny[1] hides every column; hide the table itself: a.b',
      'p.mask."public.customers" names no column; write schema.table.column, such as public.customers.email',
      'p.mask."public.*.email" has *, and a mask is for one column; write a line for each, or hide them under deny',
      'p.mask."hr.people.name" masks what deny hides already by "hr.*"; take one of them away',
      'p.mask."public.a.b" has no mask named "hsah"; did you mean hash?',
      'p.mask."public.a.c" names the column of "PUBLIC.a.c" again; keep one',
    ]);
  });

  it('mean the same in any order and spelling', () => {
    const one = canonicalDataRules({ deny: ['hr.*', 'A.b'], mask: { 'x.y.z': 'hash', 'a.b.c': 'null' } });
    const same = canonicalDataRules({ deny: ['a."b"', 'HR.*'], mask: { 'a.b.c': 'null', '"x".y.Z': 'hash' } });
    expect(one).toEqual(same);
    expect(canonicalDataRules({ deny: ['hr."*"'], mask: {} })).not.toEqual(
      canonicalDataRules({ deny: ['hr.*'], mask: {} }),
    );
  });
});
