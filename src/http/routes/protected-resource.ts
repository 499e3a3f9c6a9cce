import { send } from '../answer.ts';
import type { BaseUrl } from '../base-url.ts';
import type { Route } from '../route.ts';
import { readOnly } from './read-only.ts';

/** Where RFC 9728 §3.1 has the metadata of the resource `/mcp`; clients also look at the root. */
export const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';

export const SCOPES = ['pg:read', 'pg:query'] as const;

/** The metadata of the protected resource (RFC 9728 §2): how a client presents a credential. */
export function createProtectedResourceRoute(baseUrl: BaseUrl): Route {
  return {
    name: 'oauth-protected-resource',
    isForEveryOrigin: true,
    serve: readOnly((exchange) => {
      exchange.corsOrigin = '*';
      send(exchange, {
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify({
          resource: `${baseUrl(exchange.request)}/mcp`,
          resource_name: 'Howdah',
          scopes_supported: SCOPES,
          bearer_methods_supported: ['header'],
        }),
        headers: { 'Cache-Control': 'max-age=300', Vary: 'Host' },
      });
    }),
  };
}
