import type { ReadOnlySession } from '../postgres/database.ts';
import type { DataAccess } from './access.ts';
import type { CatalogFacts, RelationFacts } from './facts.ts';
import type { Edit } from './edit.ts';
import type { Refusal, StatementKind } from './verdict.ts';

export interface GuardRequest {
  readonly sql: string;
  readonly access: DataAccess;
  /** Where the names are looked up; undefined without a server, and then a shipped table of facts answers. */
  readonly catalog: CatalogSource | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A session on the login that will run the statement, with the schemas that its names are looked up in. */
export interface CatalogSource {
  readonly session: ReadOnlySession;
  readonly path: readonly string[];
  /** Names server, database, login and path: what verdicts are cached under, for at most 30 seconds. */
  readonly key: string;
}

/** A statement that may run as it stands here, and only so. */
export interface Approved {
  readonly verdict: 'allow';
  readonly kind: StatementKind;
  /** Whether EXPLAIN would run it. */
  readonly analyzes: boolean;
  /** What is to be sent: without a trailing semicolon, with the masks in it. */
  readonly text: string;
  /** Whether a mask in it wants the setting `howdah.mask_key`. */
  readonly wantsMaskKey: boolean;
  /** Where the text differs from what the caller wrote. */
  readonly edits?: readonly Edit[];
  /** The relations of users that it reaches. */
  readonly relations: readonly RelationFacts[];
  /** `oid.attnum` of the columns whose values must not arrive. */
  readonly maskedColumns: ReadonlySet<string>;
  readonly facts: CatalogFacts | undefined;
  /** How many parameters its text has: the highest n of `$n`. */
  readonly parameters: number;
}

export type Verdict = Approved | ({ readonly verdict: 'deny' } & Refusal);

/** Judges statements of callers; `docs/sql-guard.md` has the rules. */
export interface Guard {
  /** Never lets pass what it could not judge; rejects with UNAVAILABLE, TIMEOUT or the errors of the session. */
  check(request: GuardRequest): Promise<Verdict>;
}
