/** `verdict` says whether a text parses and is withheld; `tree` gives its parse tree. */
export type Wish = 'verdict' | 'tree';

/** To the worker: texts to parse, one after the other. */
export interface ParseRequest {
  readonly id: number;
  readonly wish: Wish;
  readonly texts: readonly string[];
  /** After so long, no further text of this request is begun. */
  readonly budgetMs: number;
}

/** From the worker: the outcome of the next text of the request. */
export interface ParseReply {
  readonly id: number;
  readonly outcome: Outcome;
}

/** From the worker, once: it has loaded the parser. */
export const READY = 'ready';

export type Outcome =
  | { readonly kind: 'parsed'; readonly withheld: string | null }
  | { readonly kind: 'tree'; readonly json: string }
  /** `position` counts characters from 1. */
  | { readonly kind: 'syntax error'; readonly message: string; readonly position: number }
  | { readonly kind: 'too deep' }
  /** Not begun: the time of the request was used up, or the worker was lost with a text before it. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'timeout' }
  /** The worker ended while it parsed this text. */
  | { readonly kind: 'crashed'; readonly cause: unknown }
  | { readonly kind: 'unavailable'; readonly cause: unknown };
