import type { Finding } from '../../contract/finding.ts';
import { send } from '../answer.ts';
import type { BaseUrl } from '../base-url.ts';
import type { Route } from '../route.ts';
import { HOME_CSP, renderHomePage, renderHomeText, type Home } from './home-page.ts';
import { readOnly } from './read-only.ts';

export interface HomeParts {
  readonly baseUrl: BaseUrl;
  readonly needsKey: () => boolean;
  readonly findings?: (() => readonly Finding[]) | undefined;
}

/** `/`: what this is and how to connect, for a person who opens the address; as text where no page is wanted. */
export function createHomeRoute({ baseUrl, needsKey, findings = () => [] }: HomeParts): Route {
  return {
    name: 'home',
    serve: readOnly((exchange) => {
      const home: Home = { endpoint: `${baseUrl(exchange.request)}/mcp`, needsKey: needsKey(), findings: findings() };
      const isPage = exchange.request.headers.accept?.includes('text/html') === true;
      send(exchange, {
        status: 200,
        contentType: isPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
        body: isPage ? renderHomePage(home) : renderHomeText(home),
        headers: {
          'Cache-Control': 'no-store',
          'Content-Security-Policy': HOME_CSP,
          'X-Frame-Options': 'DENY',
          Vary: 'Accept',
        },
      });
    }),
  };
}
