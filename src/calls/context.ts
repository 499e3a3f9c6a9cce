import type { Principal } from '../contract/principal.ts';
import type { Deadline } from '../core/deadline.ts';
import type { FleetServer } from '../fleet/fleet.ts';
import type { ReadOnlySession } from '../postgres/database.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { StatementTexts } from '../sqltext/statement-texts.ts';

/** A database of a server that this caller may reach, with the call's own deadline and name on every session. */
export interface ReachedDatabase {
  readonly server: FleetServer;
  readonly database: string;
  /** Whether this caller may see what belongs to another database of the server; the views of a server show all of them. */
  mayShow(database: string): boolean;
  /** One read-only transaction; ask for a snapshot when several statements must agree. */
  readOnly<T>(work: (session: ReadOnlySession) => Promise<T>, options?: { readonly snapshot?: boolean }): Promise<T>;
}

/** Everything that a running operation knows of its call. */
export interface CallContext {
  readonly callId: string;
  readonly principal: Principal;
  readonly persona: CompiledPersona;
  /** Parsed by the operation's own schema. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Where the call goes; undefined for an operation that reaches nothing. */
  readonly target: ReachedDatabase | undefined;
  readonly deadline: Deadline;
  readonly statementTexts: StatementTexts;
  /** Tells the caller how far the work is; `done` must grow. Lost when the caller did not ask for it. */
  progress(message: string, done: number, total?: number): void;
}
