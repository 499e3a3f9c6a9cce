import type { ExactStatement } from '../audit/statement.ts';
import type { Principal } from '../contract/principal.ts';
import type { Deadline } from '../core/deadline.ts';
import type { FleetPooler, FleetServer } from '../fleet/fleet.ts';
import type { ConsoleSession } from '../postgres/console.ts';
import type { CompiledPersona } from '../policy/policy.ts';
import type { StatementTexts } from '../sqltext/statement-texts.ts';
import type { CallersDatabase } from './callers-sql.ts';
import type { Dialogue } from './dialogue.ts';
import type { ReachedSession, ReadHidden, Withheld } from './reached-session.ts';

/** What the statements of one transaction need. */
export interface TransactionNeeds {
  /** Several statements must agree. */
  readonly snapshot?: boolean;
  /** There is one statement and no more, so that it costs one round trip. */
  readonly single?: boolean;
  /** How it is learnt what the rules of the caller hide, where a reading of a moment ago may do; else it is read anew. */
  readonly hidden?: ReadHidden;
}

/** A database of a server that this caller may reach, with the call's own deadline and name on every session. */
export interface ReachedDatabase {
  readonly server: FleetServer;
  readonly database: string;
  /** Whether this caller may see what belongs to another database of the server; the views of a server show all of them. */
  readonly mayShow: (database: string) => boolean;
  /** The same with another deadline, for a part of the call. */
  within(deadline: Deadline): ReachedDatabase;
  /** One read-only transaction. */
  readOnly<T>(work: (session: ReachedSession) => Promise<T>, options?: TransactionNeeds): Promise<T>;
  /** The same database for statements of the caller's own. */
  readonly callers: CallersDatabase;
  /** What the answer of the call lacks by the data rules of its persona. */
  readonly withheld: Withheld;
  readonly persona: string;
  /** The PgBouncers that stand before the server, in the order of the configuration. */
  readonly poolers: readonly ReachedPooler[];
}

/** A PgBouncer before a server that this caller may reach. */
export interface ReachedPooler extends Pick<FleetPooler, 'name' | 'address' | 'isOnTheWay'> {
  /** Asks its admin console, within the deadline of the call. */
  read<T>(work: (session: ConsoleSession) => Promise<T>): Promise<T>;
}

/** The servers that a caller may reach, in the order of the configuration. */
export interface ReachableServers {
  readonly all: readonly FleetServer[];
  /** Where a call goes that names none; undefined when it has to name one. */
  readonly byDefault: FleetServer | undefined;
  /** As the caller may see it: without the database where that is closed to them. */
  addressOf(server: FleetServer): string;
}

/** How urgent a message to the caller is. */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error';

/** Everything that a running operation knows of its call. */
export interface CallContext extends Dialogue {
  readonly callId: string;
  readonly principal: Principal;
  readonly persona: CompiledPersona;
  /** Parsed by the operation's own schema. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Where the call goes; undefined for an operation that reaches nothing. */
  readonly target: ReachedDatabase | undefined;
  readonly deadline: Deadline;
  readonly statementTexts: StatementTexts;
  /** Contacts none of them. */
  servers(): ReachableServers;
  /**
   * Puts on record what the operation is about to run in the caller's name; the store keeps it sealed, for auditors. To
   * be called before it runs. Fails with INVALID_INPUT for what is too long to be kept whole.
   */
  willRun(statement: ExactStatement): void;
  /** Tells the caller how far the work is; `done` must grow. Lost when the caller did not ask for it. */
  progress(message: string, done: number, total?: number): void;
  /** Tells the caller something by the way. Lost where the operation does not declare it or the client does not take it. */
  log(level: LogLevel, message: string): void;
}
