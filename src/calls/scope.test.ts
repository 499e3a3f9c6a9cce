import { expect, it } from 'vitest';
import type { AccessClass } from '../contract/access-class.ts';
import type { Scope } from '../contract/scope.ts';
import { InsufficientScope, requireScope } from './scope.ts';

function lacking(granted: readonly Scope[] | null | undefined, accessClass: AccessClass): readonly Scope[] | undefined {
  try {
    requireScope(granted, { accessClass }, { decided: () => undefined });
    return undefined;
  } catch (error) {
    if (error instanceof InsufficientScope) return error.scopes;
    throw error;
  }
}

it.each<[readonly Scope[] | null, AccessClass, readonly Scope[] | undefined]>([
  [null, 'admin', undefined],
  [[], 'diagnostic', ['pg:read']],
  [[], 'schema', ['pg:read']],
  [['pg:read'], 'schema', undefined],
  [['pg:read'], 'query', ['pg:read', 'pg:query']],
  [['pg:query'], 'diagnostic', undefined],
  [['pg:query'], 'admin', ['pg:query', 'pg:admin']],
  [['pg:admin'], 'query', undefined],
])('with %j a call of the class %s needs %j', (granted, accessClass, needed) => {
  expect(lacking(granted, accessClass)).toEqual(needed);
});
