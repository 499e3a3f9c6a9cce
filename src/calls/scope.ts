import type { AccessClass } from '../contract/access-class.ts';
import { Scope } from '../contract/scope.ts';
import { PlatformError } from '../core/errors.ts';
import type { CallRecord } from './record.ts';
import type { Operation } from './operation.ts';

const SCOPE_OF: Readonly<Record<AccessClass, Scope>> = {
  diagnostic: 'pg:read',
  schema: 'pg:read',
  query: 'pg:query',
  admin: 'pg:admin',
};

/** The token of the caller is for less than the call: a client can ask for another one, and must be told of what. */
export class InsufficientScope extends PlatformError {
  /** What the token has, and what it lacks. */
  readonly scopes: readonly Scope[];

  constructor(granted: readonly Scope[], lacking: Scope) {
    super('FORBIDDEN', `The token is not for this call: it lacks the scope ${lacking}.`, {
      hint: 'Ask for a token that has it.',
      details: { rule: ruleOf(lacking) },
    });
    this.scopes = Scope.options.filter((scope) => scope === lacking || granted.includes(scope));
  }
}

/** Fails with InsufficientScope, on record; null is for credentials that no scopes limit. */
export function requireScope(
  granted: readonly Scope[] | null | undefined,
  { accessClass }: Pick<Operation, 'accessClass'>,
  record: Pick<CallRecord, 'decided'>,
): void {
  if (granted === null || granted === undefined) return;
  const needed = SCOPE_OF[accessClass];
  const rank = Scope.options.indexOf(needed);
  // each scope holds those before it
  if (granted.some((scope) => Scope.options.indexOf(scope) >= rank)) return;
  record.decided({ allowed: false, rule: ruleOf(needed) });
  throw new InsufficientScope(granted, needed);
}

function ruleOf(lacking: Scope): string {
  return `the credential has not the scope ${lacking}`;
}
