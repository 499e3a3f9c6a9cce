import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../contract/principal.ts';
import type { Backlog } from './backlog.ts';
import type { Connections } from './connections.ts';
import type { Refusals } from './refusals.ts';

/** By the names that are sent. */
export type Headers = Readonly<Record<string, string>>;

/** What the answers of one server have in common. */
export interface Site {
  /** Of every answer. */
  readonly headers: Headers;
  readonly backlog: Backlog;
  readonly connections: Connections;
  readonly refusals: Refusals;
  /** Whether the server is closing: then an answer is the last of its connection. */
  isDraining: boolean;
  /** While the listener closes: requests are served when it has. */
  held: Promise<void> | undefined;
  /** Event streams that are open. */
  streams: number;
}

/** One request and its answer. */
export interface Exchange {
  readonly site: Site;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The address of the caller, proxies looked through. */
  readonly address: string;
  /** The name of its route; `none` where there is none. */
  readonly route: string;
  readonly startedMs: number;
  /** Once the caller is known. */
  principal: Principal | undefined;
  /** The origin of the page that may read the answer, if any. */
  corsOrigin: string | undefined;
  /** Aborted when the client goes before its answer is whole; made for whoever asks. */
  leaving: AbortController | undefined;
  /** `left`: the client went before its answer was whole. */
  state: 'open' | 'answered' | 'left';
  /** Of the body of the answer. */
  bytes: number;
}
