import type { IncomingMessage } from 'node:http';
import type { Scope } from '../contract/scope.ts';
import { namesOfScopes } from '../identity/authorization-server.ts';
import type { Callers } from '../identity/callers.ts';
import type { BaseUrl } from './base-url.ts';
import type { Exchange, Headers } from './exchange.ts';
import { METADATA_PATH, SCOPES } from './routes/protected-resource.ts';

/** Where a client learns who issues tokens, and for what it should ask (RFC 6750 §3, RFC 9728 §5.1). */
export interface Challenge {
  /** `isWrong` says that a credential was presented, and nothing of what is wrong with it. */
  credential(request: IncomingMessage, isWrong: boolean): Headers;
  /** The credential is right and for less than this. */
  scopes(exchange: Pick<Exchange, 'request' | 'principal'>, scopes: readonly Scope[]): Headers;
}

export function createChallenge(baseUrl: BaseUrl, authorizationServers: Callers['authorizationServers']): Challenge {
  function header(request: IncomingMessage, scopes: readonly string[], ...more: readonly string[]): Headers {
    const metadata = `resource_metadata="${baseUrl(request)}${METADATA_PATH}"`;
    const parameters = [metadata, `scope="${scopes.filter(isPlain).join(' ')}"`, ...more];
    return { 'WWW-Authenticate': `Bearer ${parameters.join(', ')}` };
  }

  return {
    credential: (request, isWrong) =>
      header(request, namesOfScopes(authorizationServers()[0], SCOPES), ...(isWrong ? ['error="invalid_token"'] : [])),
    scopes({ request, principal }, scopes) {
      const issuer = authorizationServers().find((server) => server.issuer === principal?.issuer);
      return header(
        request,
        namesOfScopes(issuer, scopes),
        'error="insufficient_scope"',
        'error_description="The token is not for this call."',
      );
    },
  };
}

/** A scope-token of RFC 6749 §3.3, which needs no escape within quotes. */
function isPlain(scope: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope);
}
