import type { Exchange } from './exchange.ts';

/** What is served at a path. */
export interface Route {
  /** For metrics and the access log. */
  readonly name: string;
  /** Whether pages of any origin may read it: it holds nothing that is not for everyone. */
  readonly isForEveryOrigin?: boolean;
  serve(exchange: Exchange): void | Promise<void>;
}
