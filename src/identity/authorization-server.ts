import type { Config } from '../config/schema.ts';
import { Scope } from '../contract/scope.ts';

/** Whom clients can ask for a token that counts here. */
export interface AuthorizationServer {
  readonly issuer: string;
  /** Whether it is an issuer of `auth.oidc`, and not Howdah itself. */
  readonly isExternal: boolean;
  /** What clients ask it for; undefined for what it has no scope for. */
  nameOf(scope: Scope): string | undefined;
}

export function externalServers({ oidc }: Config['auth']): readonly AuthorizationServer[] {
  return oidc.map(({ issuer, scopes = Object.fromEntries(Scope.options.map((scope) => [scope, scope])) }) => {
    const names = new Map(
      Object.entries(scopes)
        .map(([name, scope]) => [scope, name] as const)
        .toReversed(),
    );
    return { issuer, isExternal: true, nameOf: (scope) => names.get(scope) };
  });
}

/** How scopes are called where a token is to be had; by their own names where nobody has others for them. */
export function namesOfScopes(server: AuthorizationServer | undefined, scopes: readonly Scope[]): readonly string[] {
  const names = server ? scopes.flatMap((scope) => server.nameOf(scope) ?? []) : [];
  return names.length > 0 ? names : scopes;
}
