import { nodesOf } from '../../sql/plan.ts';
import { readPlan } from '../../sql/read-plan.ts';
import { definitionOf, type Candidate } from './candidate.ts';
import type { CostOf } from './select.ts';

/** A session of a database with HypoPG: its indexes are those of the session alone. */
export interface HypotheticalSession {
  /** As EXPLAIN (FORMAT JSON) gives it; of the statement in this place of the list. */
  readonly explain: (statement: number) => Promise<unknown>;
  readonly create: (definition: string) => Promise<HypotheticalIndex>;
  readonly drop: (id: string) => Promise<void>;
}

export interface HypotheticalIndex {
  readonly id: string;
  /** As plans name it. */
  readonly name: string;
}

/** HypoPG knows B-trees on plain tables; the statements of other indexes would fail. */
export function isProvable({ method, table }: Candidate): boolean {
  return method === 'btree' && table.kind !== 'partitioned table';
}

/** Asks the planner, with the wanted indexes made and the others dropped. One question after the other. */
export function createHypotheticalCosts(session: HypotheticalSession): CostOf {
  const made = new Map<Candidate, HypotheticalIndex>();
  return async (statement, wanted) => {
    for (const [candidate, { id }] of made) {
      if (wanted.includes(candidate)) continue;
      await session.drop(id);
      made.delete(candidate);
    }
    for (const candidate of wanted) {
      if (!made.has(candidate)) made.set(candidate, await session.create(definitionOf(candidate)));
    }
    const { root } = readPlan(await session.explain(statement));
    const used = new Set(nodesOf(root).map(({ index }) => index));
    return { cost: root.cost, uses: wanted.filter((candidate) => used.has(made.get(candidate)?.name)) };
  };
}
