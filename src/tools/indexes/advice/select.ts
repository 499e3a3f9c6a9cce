import type { Candidate } from './candidate.ts';

/** A statement as it is weighed: how often it runs, and what could help it. */
export interface WeighedStatement {
  readonly calls: number;
  readonly candidates: readonly Candidate[];
}

export interface PlannedCost {
  readonly cost: number;
  /** Those of the indexes that the plan uses. */
  readonly uses: readonly Candidate[];
}

/** The cost of one run of a statement, by its place in the list, beside these indexes. */
export type CostOf = (statement: number, indexes: readonly Candidate[]) => Promise<PlannedCost>;

export interface Budget {
  /** Bytes that all indexes together may take. */
  readonly bytes: number;
  /** What each takes, and what its upkeep costs while the statements run as often as they do. */
  readonly sizeOf: (candidate: Candidate) => number;
  readonly upkeepOf: (candidate: Candidate) => number;
  /** Bytes of the tables that the statements read, which sizes are held against. */
  readonly tableBytes: number;
  /** An index has to save this share of the cost of all statements, and so much. */
  readonly minGain: number;
  readonly leastGain: number;
  readonly isOver: () => boolean;
}

export interface Selection {
  readonly chosen: readonly Candidate[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Whether time ran out before all were tried. */
  readonly cutShort: boolean;
}

/** How much more of the cost an index has to save for each share of the size of the tables that it takes. */
const PRICE_OF_SIZE = 0.2;

/**
 * Chooses a set of indexes: those that plans use when they have the choice of all are tried one by one, the one that saves
 * most is taken, and the others are tried again beside it. In the end goes what the others made needless.
 */
export async function selectIndexes(
  statements: readonly WeighedStatement[],
  costOf: CostOf,
  budget: Budget,
): Promise<Selection> {
  const trial = createTrial(statements, costOf);
  const before = await trial.costs([]);
  const pool = await usefulOf(statements, trial, budget);
  const total = trial.weigh(before);
  const net = (candidate: Candidate, saved: number) =>
    saved -
    budget.upkeepOf(candidate) -
    PRICE_OF_SIZE * total * (budget.sizeOf(candidate) / Math.max(budget.tableBytes, 1));
  const least = Math.max(budget.minGain * total, budget.leastGain);
  const search: Search = { trial, pool, total, least, net, budget };
  const byGain = await grow(search, (gain) => gain);
  // where room is short, what saves most for its size goes first
  const byRoom = byGain.wasShort ? await grow(search, (gain, size) => gain / Math.max(size, 1)) : byGain;
  const { chosen } = byRoom.cost < byGain.cost ? byRoom : byGain;
  return { chosen, before, after: await trial.costs(chosen), cutShort: budget.isOver() };
}

interface Search {
  readonly trial: Trial;
  readonly pool: readonly Candidate[];
  /** Of all statements, without any of the indexes. */
  readonly total: number;
  readonly least: number;
  readonly net: (candidate: Candidate, saved: number) => number;
  readonly budget: Budget;
}

type Score = (net: number, size: number) => number;

async function grow(search: Search, score: Score) {
  const { trial, pool, total, least, budget } = search;
  let chosen: Candidate[] = [];
  let current = total;
  let wasShort = false;
  // an upper bound of what each saves: beside more indexes it hardly saves more
  const bounds = new Map<Candidate, number>(pool.map((candidate) => [candidate, Infinity]));
  while (bounds.size > 0 && !budget.isOver()) {
    const free = budget.bytes - sum(chosen.map(budget.sizeOf));
    const best = await bestOf(bounds, { ...search, score, chosen, current, free });
    wasShort ||= pool.some((candidate) => budget.sizeOf(candidate) > free);
    if (best === undefined) break;
    chosen = [...chosen, best.candidate];
    current = best.cost;
    bounds.delete(best.candidate);
  }
  const kept = await withoutNeedless(chosen, { trial, net: search.net, least, isOver: budget.isOver });
  return { chosen: kept, cost: trial.weigh(await trial.costs(kept)), wasShort };
}

interface Trial {
  readonly costs: (indexes: readonly Candidate[]) => Promise<number[]>;
  readonly plan: (statement: number, indexes: readonly Candidate[]) => Promise<PlannedCost>;
  readonly weigh: (costs: readonly number[]) => number;
}

/** Asks for each plan once; an index helps a statement only if it begins as one that was proposed for it. */
function createTrial(statements: readonly WeighedStatement[], costOf: CostOf): Trial {
  const known = new Map<string, Promise<PlannedCost>>();
  const firsts = statements.map(({ candidates }) => new Set(candidates.map(firstOf)));
  const ids = new Map<Candidate, number>();
  const idOf = (candidate: Candidate) => {
    const id = ids.get(candidate) ?? ids.size;
    ids.set(candidate, id);
    return id;
  };
  const plan: Trial['plan'] = (statement, indexes) => {
    const relevant = indexes.filter((candidate) => firsts[statement]?.has(firstOf(candidate)));
    const key = `${statement}:${relevant
      .map(idOf)
      .toSorted((a, b) => a - b)
      .join(',')}`;
    const cost = known.get(key) ?? costOf(statement, relevant);
    known.set(key, cost);
    return cost;
  };
  return {
    plan,
    costs: async (indexes) => {
      const costs: number[] = [];
      for (const i of statements.keys()) costs.push((await plan(i, indexes)).cost);
      return costs;
    },
    weigh: (costs) => sum(costs.map((cost, i) => cost * (statements[i]?.calls ?? 0))),
  };
}

function firstOf({ table, keys }: Candidate): string {
  return `${table.oid} ${keys[0]?.text}`;
}

/** What the planner uses when it has the choice of all, and what it would use in the place of that. */
async function usefulOf(
  statements: readonly WeighedStatement[],
  trial: Trial,
  { isOver }: Budget,
): Promise<Candidate[]> {
  const useful = new Set<Candidate>();
  for (const [i, { candidates }] of statements.entries()) {
    let left = candidates;
    for (let round = 0; round < 3 && left.length > 0 && !isOver(); round++) {
      const { uses } = await trial.plan(i, left);
      if (uses.length === 0) break;
      for (const each of uses) useful.add(each);
      left = left.filter((each) => !uses.includes(each));
    }
    // what reads no table is not always wanted for its size
    for (const each of candidates) {
      const isPlainOf = (other: Candidate) =>
        other.include.length > 0 && each.include.length === 0 && sameKeys(each, other);
      if ([...useful].some(isPlainOf)) useful.add(each);
    }
  }
  return [...useful];
}

function sameKeys(a: Candidate, b: Candidate): boolean {
  return (
    a.table === b.table && a.predicate?.text === b.predicate?.text && JSON.stringify(a.keys) === JSON.stringify(b.keys)
  );
}

interface Choice {
  readonly candidate: Candidate;
  readonly score: number;
  readonly cost: number;
}

interface Standing extends Search {
  readonly score: Score;
  readonly chosen: readonly Candidate[];
  readonly current: number;
  /** Bytes that are left. */
  readonly free: number;
}

/** Tries the most promising first, and none that could not be better than one that was tried; undefined where none is worth it. */
async function bestOf(bounds: Map<Candidate, number>, standing: Standing): Promise<Choice | undefined> {
  const { trial, chosen, current, budget, net, least, score, free } = standing;
  let best: Choice | undefined;
  for (const [candidate, bound] of [...bounds].toSorted(([, a], [, b]) => b - a)) {
    const size = budget.sizeOf(candidate);
    if (size > free) continue;
    if (best !== undefined && (bound <= best.score || budget.isOver())) break;
    const cost = trial.weigh(await trial.costs([...chosen, candidate]));
    const gain = net(candidate, current - cost);
    if (gain <= least) {
      bounds.delete(candidate);
      continue;
    }
    const choice = { candidate, cost, score: score(gain, size) };
    bounds.set(candidate, choice.score);
    if (best === undefined || choice.score > best.score) best = choice;
  }
  return best;
}

/** An index that was good alone may do nothing beside those that came later. */
async function withoutNeedless(
  chosen: readonly Candidate[],
  { trial, net, least, isOver }: Pick<Search, 'trial' | 'net'> & { least: number; isOver: () => boolean },
): Promise<Candidate[]> {
  let kept = [...chosen];
  for (const candidate of chosen) {
    if (isOver()) break;
    const others = kept.filter((each) => each !== candidate);
    const saved = trial.weigh(await trial.costs(others)) - trial.weigh(await trial.costs(kept));
    if (net(candidate, saved) <= least) kept = others;
  }
  return kept;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
