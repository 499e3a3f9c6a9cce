import type { Finding } from '../contract/finding.ts';
import type { Approved, Verdict } from '../guard/guard.ts';
import type { ConnectionFacts, ParameterValue } from '../postgres/database.ts';

/** A column of an answer. */
export interface ResultColumn {
  readonly name: string;
  /** As format_type has it, such as `numeric(40,20)`. */
  readonly type: string;
  readonly typeOid: number;
}

export interface CallersResult {
  readonly columns: readonly ResultColumn[];
  /** As PostgreSQL wrote them, in text format. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Whether there were more rows than were asked for, or more bytes than fit. */
  readonly truncated: boolean;
}

/** A value for `$n`; without a type the place where it stands decides, as PostgreSQL does. */
export interface TypedParameter {
  readonly type: string | undefined;
  readonly value: ParameterValue;
}

export interface RunOptions {
  readonly parameters?: readonly TypedParameter[];
  /** The most rows that are wanted. */
  readonly rows: number;
}

/** One read-only transaction on the login of the persona; after it, nothing of it is left in the session. */
export interface CallersSession {
  readonly facts: ConnectionFacts;
  /** Fails with the plan where its cost is above the persona's ceiling. */
  run(approved: Approved, options: RunOptions): Promise<CallersResult>;
  /** The plan as EXPLAIN (FORMAT JSON, `options`) gives it, without what the persona may not see. */
  explain(approved: Approved, options: ExplainOptions): Promise<unknown>;
  /**
   * Indexes that only plans of this session know, by HypoPG in that schema; they go with it. Fails with UNSUPPORTED behind a
   * pooler of transactions.
   */
  hypothetical(schema: string): HypotheticalIndexes;
}

/** What is created or hidden was written by Howdah: no text of a caller is in it. */
export interface HypotheticalIndexes {
  /** Drops these, by their ids, and makes those, which it names as plans do, in their order. */
  change(drop: readonly string[], create: readonly string[]): Promise<readonly HypotheticalIndex[]>;
  /** Plans are made as if this index of the database, by its OID, were not there. Needs HypoPG 1.4. */
  hide(oid: string): Promise<void>;
}

export interface ExplainOptions {
  readonly parameters?: readonly TypedParameter[];
  readonly analyze?: boolean;
  readonly buffers?: boolean;
  readonly verbose?: boolean;
  readonly settings?: boolean;
  /** The plan that serves every value of the parameters, of which none is given. Fails with UNSUPPORTED as above. */
  readonly generic?: boolean;
}

export interface HypotheticalIndex {
  readonly id: string;
  readonly name: string;
}

/** A database for statements of the caller's own: on the login of the persona, each judged by the guard before it runs. */
export interface CallersDatabase {
  /**
   * Fails with SQL_REJECTED, whose details have `rule` and `position`, with NOT_FOUND for a relation that is not there or
   * not open, and with UNSUPPORTED where the persona has no login on the server that may run callers' SQL.
   */
  admit(sql: string): Promise<Approved>;
  /** The same with a refusal as its verdict. */
  judge(sql: string): Promise<Verdict>;
  /** Runs what was admitted here, and nothing else. */
  readOnly<T>(work: (session: CallersSession) => Promise<T>): Promise<T>;
  /** What the answer must say of the login, once something was admitted. */
  warnings(): readonly Finding[];
}
