import type { Principal } from '../../contract/principal.ts';
import type { Scope } from '../../contract/scope.ts';

/** One authenticated POST to /mcp; the body is whole and within its size limit. */
export interface McpExchange {
  readonly body: Uint8Array;
  /** Lower-case names, as node:http gives them; a repeated header is joined with ', '. */
  readonly headers: McpHeaders;
  readonly principal: Principal;
  /** What the credential is limited to; null for one that no scopes limit. */
  readonly scopes: readonly Scope[] | null;
  /** When the credential ends, in milliseconds since 1970; Infinity if it does not end by itself. */
  readonly expiresAtMs: number;
  readonly sourceAddress: string;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  readonly reply: McpReply;
}

export type McpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Takes one answer: one of its functions is called, once. None fails when the client has gone. */
export interface McpReply {
  /** Tells the client to come with a token that has these scopes. */
  needScopes(scopes: readonly Scope[]): void;
  /** The whole answer. `body` undefined: none (202). */
  send(status: number, body: string | undefined): void;
  /** Opens an event stream with status 200. */
  stream(): EventStream;
}

export interface EventStream {
  /** Resolves when there is room for the next; at once when the client has gone. */
  write(frame: string): Promise<void>;
  end(): void;
}

/** Undefined for a header that was not sent. */
export function headerOf(headers: McpHeaders, name: string): string | undefined {
  const value = headers[name];
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}
