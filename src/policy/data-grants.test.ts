import { describe, expect, it } from 'vitest';
import { PersonaSpec } from '../contract/persona.ts';
import { compilePersonas } from './compile.ts';
import { dataAccessOf } from './data-access.ts';
import { findDataGrantProblems } from './data-grants.ts';

const policyOf = (data: unknown) => compilePersonas({ p: PersonaSpec.parse({ data }) });
const version = (data: unknown) => policyOf(data).version;

function accessOf(data: unknown) {
  const persona = policyOf(data)
    .personas()
    .find(({ name }) => name === 'p');
  if (persona === undefined) throw new Error('no persona');
  return dataAccessOf(persona);
}

describe('what a persona is granted', () => {
  it('is by name, as identifiers of SQL, and nothing without an entry', () => {
    const access = accessOf({ allow: ['Public.Summary', 'x."Odd"'], functions: ['app.price', 'geo.*', 'x.st_*'] });
    expect(access.grantsRelation('public', 'summary')).toBe(true);
    expect(access.grantsRelation('x', 'Odd')).toBe(true);
    expect(access.grantsRelation('x', 'odd')).toBe(false);
    expect(access.grantsRelation('other', 'summary')).toBe(false);
    expect(access.grantsFunction('app', 'price')).toBe(true);
    expect(access.grantsFunction('app', 'prices')).toBe(false);
    expect(access.grantsFunction('geo', 'anything')).toBe(true);
    expect(access.grantsFunction('x', 'st_area')).toBe(true);
    expect(accessOf({}).grantsRelation('public', 'summary')).toBe(false);
    expect(accessOf({}).grantsFunction('app', 'price')).toBe(false);
  });

  it('hides nothing by itself, and opens nothing of what is hidden', () => {
    expect(accessOf({ allow: ['public.summary'], functions: ['app.*'] }).hides).toBe(false);
    const access = accessOf({ deny: ['hr.*'], mask: { 'public.users.email': 'hash' }, allow: ['public.summary'] });
    expect(access.hides).toBe(true);
    expect(access.relation('hr', 'salaries').access).toBe('denied');
    expect(access.column('public', 'users', 'email')).toMatchObject({ access: 'masked', mask: 'hash' });
    expect(access.relation('public', 'summary')).toEqual({ access: 'visible' });
    expect(access.column('hr', 'salaries', 'id').access).toBe('denied');
  });

  it('is refused with all problems at once where it cannot be meant', () => {
    const problems = findDataGrantProblems(
      {
        deny: ['hr.*', 'public.users.pin'],
        allow: ['summary', 'a.b.c', 'a.*', 'hr.pay', 'public.users', 'x.y', 'X.Y'],
        functions: ['f', '*.f', 'a.b.c', 'pg_catalog.*', 'app.*', 'app.*'],
      },
      'd',
    );
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      expect.stringMatching(/^d\.allow\[0\] has no dot/),
      'd.allow[1] names a column, and a view or foreign table is opened as a whole; write schema.view',
      'd.allow[2] has *, and what opens hidden data is named one by one; write a line for each',
      'd.allow[3] opens what deny hides by "hr.*", and deny comes first; take one of them away',
      'd.allow[6] names what "x.y" names already; keep one',
      expect.stringMatching(/^d\.functions\[0\] has no dot/),
      expect.stringMatching(/^d\.functions\[1\] has \* for the schema/),
      'd.functions[2] has 3 parts; write schema.function, without arguments',
      expect.stringMatching(/^d\.functions\[3\] is about pg_catalog/),
      'd.functions[5] names what "app.*" names already; keep one',
    ]);
    expect(() => policyOf({ allow: ['summary'], functions: ['f'] })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        details: { problems: [expect.anything(), expect.anything()] },
      }),
    );
  });

  it('is part of the version of the policy, however it is written', () => {
    expect(version({ allow: ['a.b', 'c.d'] })).toBe(version({ allow: ['C.D', '"a".b'] }));
    const versions = [{}, { allow: ['a.b'] }, { functions: ['a.b'] }, { functions: ['a.*'] }, { deny: ['a.b'] }];
    expect(new Set(versions.map(version)).size).toBe(versions.length);
  });
});
