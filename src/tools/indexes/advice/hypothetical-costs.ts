import type { HypotheticalIndex, HypotheticalIndexes } from '../../../calls/callers-sql.ts';
import { nodesOf } from '../../sql/plan.ts';
import { readPlan } from '../../sql/read-plan.ts';
import { definitionOf, type Candidate } from './candidate.ts';
import type { CostOf } from './select.ts';

/** A session of a database with HypoPG: its indexes are those of the session alone. */
export interface HypotheticalSession {
  /** As EXPLAIN (FORMAT JSON) gives it; of the statement in this place of the list. */
  readonly explain: (statement: number) => Promise<unknown>;
  readonly change: HypotheticalIndexes['change'];
}

/** HypoPG knows B-trees on plain tables; the statements of other indexes would fail. */
export function isProvable({ method, table }: Candidate): boolean {
  return method === 'btree' && table.kind !== 'partitioned table';
}

/** Asks the planner, with the wanted indexes made and the others dropped. One question after the other. */
export function createHypotheticalCosts(session: HypotheticalSession): CostOf {
  const made = new Map<Candidate, HypotheticalIndex>();
  return async (statement, wanted) => {
    const dropped = [...made].filter(([candidate]) => !wanted.includes(candidate));
    const missing = wanted.filter((candidate) => !made.has(candidate));
    if (dropped.length + missing.length > 0) {
      const ids = dropped.map(([, { id }]) => id);
      const created = await session.change(
        ids,
        missing.map((candidate) => definitionOf(candidate)),
      );
      for (const [candidate] of dropped) made.delete(candidate);
      for (const [i, index] of created.entries()) if (missing[i]) made.set(missing[i], index);
    }
    const { root } = readPlan(await session.explain(statement));
    const used = new Set(nodesOf(root).map(({ index }) => index));
    return { cost: root.cost, uses: wanted.filter((candidate) => used.has(made.get(candidate)?.name)) };
  };
}
