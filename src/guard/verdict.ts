import type { Located } from './references.ts';

/** Why a statement is refused. */
export interface Refusal extends Partial<Located> {
  /** Such as `statement/kind`, `function/not-allowed`; pinned, and a section of the documentation each. */
  readonly rule: string;
  /** What is wrong, in one sentence that names the node. */
  readonly reason: string;
  /** How to get the same answer in an allowed way. */
  readonly hint: string;
}

/** What kind of statement was allowed: `explain` of anything allowed, `show` of a setting. */
export type StatementKind = 'select' | 'explain' | 'show';
