import type { Scope } from '../../contract/scope.ts';
import { namesOfScopes } from '../../identity/authorization-server.ts';
import type { Callers } from '../../identity/callers.ts';
import { send } from '../answer.ts';
import type { BaseUrl } from '../base-url.ts';
import type { Route } from '../route.ts';
import { readOnly } from './read-only.ts';

/** Where RFC 9728 §3.1 has the metadata of the resource `/mcp`; clients also look at the root. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

/** What a client asks for that does not know better. */
export const SCOPES: readonly Scope[] = ['pg:read', 'pg:query'];

/** The metadata of the protected resource (RFC 9728 §2): how a client presents a credential. */
export function createProtectedResourceRoute(
  baseUrl: BaseUrl,
  authorizationServers: Callers['authorizationServers'],
): Route {
  return {
    name: 'oauth-protected-resource',
    isForEveryOrigin: true,
    serve: readOnly((exchange) => {
      exchange.corsOrigin = '*';
      const servers = authorizationServers();
      send(exchange, {
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify({
          resource: `${baseUrl(exchange.request)}/mcp`,
          resource_name: 'Howdah',
          ...(servers.length > 0 && { authorization_servers: servers.map(({ issuer }) => issuer) }),
          scopes_supported: namesOfScopes(servers[0], SCOPES),
          bearer_methods_supported: ['header'],
        }),
        headers: { 'Cache-Control': 'max-age=300', Vary: 'Host' },
      });
    }),
  };
}
