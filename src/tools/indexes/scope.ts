import type { Param, Sql } from '../kit/index.ts';

/** What a statement looks at. */
export interface Scope {
  /** A condition on the catalogs that the statement reads, by its aliases. */
  readonly among: Sql;
  readonly limit: Sql | Param;
  /** Whether a lock has kept an exact size from us. */
  readonly estimateSizes: Sql | Param;
}
