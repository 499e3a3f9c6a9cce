import type { Deadline } from '../core/deadline.ts';
import type { ManagedService } from './managed-service.ts';
import type { Statement } from './sql.ts';

/** What was learnt of the server and the role when this connection was made. */
export interface ConnectionFacts {
  /** `server_version_num`, such as 160004. */
  readonly versionNum: number;
  readonly major: number;
  /** `server_version`, such as `16.4 (Debian 16.4-1)`. */
  readonly version: string;
  readonly inRecovery: boolean;
  readonly database: string;
  /** Who operates the server, where that is a service that keeps superuser rights to itself; null for any other. */
  readonly service: ManagedService | null;
  readonly role: RoleFacts;
}

/** The role check at connect: what the login could do beyond reading statistics. */
export interface RoleFacts {
  readonly name: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
  /** The predefined `pg_*` roles that it is a member of, directly or not, sorted. */
  readonly predefinedRoles: readonly string[];
  /** Those whose rights it has without SET ROLE, which depends on INHERIT. */
  readonly effectiveRoles: readonly string[];
}

export interface Field {
  readonly name: string;
  readonly typeOid: number;
  /** `atttypmod`, such as the precision of a numeric; -1 for none. */
  readonly typeModifier?: number;
  /** `oid.attnum` of the column of a table that it is; undefined for what was computed. */
  readonly origin?: string | undefined;
}

/** Rows as PostgreSQL wrote them, in text format; `exact-values.ts` says how each type reads. */
export interface Result {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** The command tag, such as `SELECT 5`. */
  readonly command: string;
}

export type ParameterValue = string | number | boolean | null | readonly string[] | readonly number[];

/** A statement that somebody else wrote. */
export interface ForeignStatement {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** OIDs of the types of the values, in their order; 0 where the place of the parameter decides. */
  readonly types: readonly number[];
  /** Settings that it needs in its transaction, and nobody may read in its text. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A row that is announced with more bytes is not read, and the connection dropped. */
  readonly rowBytes: number;
  /** What all rows may have; what comes then is not kept, and the statement is cancelled. */
  readonly bytes: number;
}

export interface ForeignResult extends Result {
  /** There were more bytes than may be kept: the transaction is over. */
  readonly isCut: boolean;
}

/** A session that runs statements that we did not write; never by a name, since such a statement could replace ours. */
export interface ForeignSession extends ReadOnlySession {
  execute(statement: ForeignStatement): Promise<ForeignResult>;
  /** One object for each connection; another one before the first statement may have taken its place. */
  readonly connection: object;
  /** Whether the next transaction finds what this one leaves in the session; not behind a pooler of transactions. */
  readonly keepsState: boolean;
  /**
   * A statement of ours that takes back what others of ours made outside of the transaction: run behind its end, in one of
   * its own where names are looked up in pg_catalog. Where it fails, the connection is dropped.
   */
  takeBack(statement: Statement): void;
}

/** What one read-only transaction offers. Statements of one session run one after the other. */
export interface ReadOnlySession {
  readonly facts: ConnectionFacts;
  /** Fails with a PlatformError; after a failure the transaction is over for every further statement. */
  query(statement: Statement, values?: Readonly<Record<string, ParameterValue>>): Promise<Result>;
}

export interface ReadOnlyOptions {
  readonly deadline: Deadline;
  /** Becomes `application_name`, so that the server's own views and logs name the call. */
  readonly applicationName: string;
  /** `repeatable read` gives several statements one snapshot. */
  readonly isolation: 'read committed' | 'repeatable read';
  readonly lockTimeoutMs: number;
  /** The work runs one statement and no more: the transaction ends with it, which costs one round trip less. */
  readonly single?: boolean;
  /**
   * For statements that we did not write: the schemas that names are looked up in, behind pg_catalog and before those of
   * temporary objects. Whatever they leave in the session is taken back before anybody else has it.
   */
  readonly foreignPath?: readonly string[];
}

/** A database on a login for statements that we did not write. */
export interface ForeignDatabase {
  readOnly<T>(options: ReadOnlyOptions, work: (session: ForeignSession) => Promise<T>): Promise<T>;
}

/** One database of one server, under one login. */
export interface Database {
  /**
   * Runs `work` in one read-only transaction that is always rolled back. Rejects with a PlatformError; by then the
   * server has stopped working on it, or the connection is gone.
   */
  readOnly<T>(options: ReadOnlyOptions, work: (session: ReadOnlySession) => Promise<T>): Promise<T>;
}
