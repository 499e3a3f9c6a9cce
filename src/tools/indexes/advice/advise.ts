import { definitionOf, columnsOf, replacedBy, sizeOf, type Candidate } from './candidate.ts';
import { isProvable } from './hypothetical-costs.ts';
import { propose, recurringOf, type Surroundings } from './propose.ts';
import { selectIndexes, type CostOf, type PlannedCost } from './select.ts';
import type { AdvisedTable, ExistingIndex } from './tables.ts';
import type { StatementUse } from './use.ts';

export interface AdvisedStatement {
  readonly use: StatementUse;
  readonly calls: number;
  /** Whether the planner can be asked about it. */
  readonly isPlannable: boolean;
}

export interface AdviceOptions {
  readonly statements: readonly AdvisedStatement[];
  readonly tables: readonly AdvisedTable[];
  readonly major: number;
  readonly trigram: string | undefined;
  /** Undefined where no planner can be asked. */
  readonly costOf: CostOf | undefined;
  readonly maxSize: number;
  readonly minGain: number;
  readonly leastGain: number;
  readonly minRows: number;
  /** How often a table was written to, for each run of the statements that was counted: 0 where nobody knows. */
  readonly writesPerCount: number;
  readonly isOver: () => boolean;
}

export interface AdvisedIndex {
  readonly candidate: Candidate;
  readonly proven: boolean;
  readonly size: number | null;
  /** Statements that it is for, by their places: those whose plans use it, where it is proven. */
  readonly helps: readonly number[];
  /** Of all runs of these together; null where it is not proven. */
  readonly costBefore: number | null;
  readonly costAfter: number | null;
  /** Entries that it would have been written, in the time that counters of the tables count. */
  readonly writes: number | null;
  /** Whether updates that wrote to no index would have to write to it. */
  readonly endsHotUpdates: boolean;
  readonly replaces: readonly ExistingIndex[];
}

export interface Advice {
  readonly indexes: readonly AdvisedIndex[];
  /** By the places of the statements; null of one that was not planned. */
  readonly before: readonly (number | null)[];
  readonly after: readonly (number | null)[];
  readonly cutShort: boolean;
}

/** What an entry of a B-tree costs when it is written, in the units of the planner: a third of a page that is read. */
const ENTRY_COST = 0.3;
/** A statement that costs as much as before, or nearly, still wants help of a kind that cannot be proven. */
const HARDLY_HELPED = 0.7;
/** Guesses for one table. */
const MAX_GUESSES = 3;

export async function advise(options: AdviceOptions): Promise<Advice> {
  const { statements, trigram, minRows } = options;
  const uses = statements.map(({ use }) => use.occurrences.filter(({ table }) => table.rows >= minRows));
  const surroundings: Surroundings = { trigram, recurring: recurringOf(uses) };
  const known = new Map<string, Candidate>();
  const proposals = uses.map((occurrences) =>
    occurrences.map((occurrence) => propose(occurrence, surroundings).map((each) => shared(known, each))),
  );
  const proof = await prove(options, proposals);
  const guesses = guess(proposals, { ...options, proof });
  return { ...proof, indexes: [...proof.indexes, ...guesses] };
}

/** The same index is the same object, whatever statement it was proposed for. */
function shared(known: Map<string, Candidate>, candidate: Candidate): Candidate {
  const definition = definitionOf(candidate);
  const first = known.get(definition) ?? candidate;
  known.set(definition, first);
  return first;
}

/** By statements, and of each place where one reads a table, the best guess first. */
type Proposals = readonly (readonly (readonly Candidate[])[])[];

async function prove(options: AdviceOptions, proposals: Proposals): Promise<Advice> {
  const { statements, costOf, tables, maxSize, minGain, leastGain, major, isOver } = options;
  const nothing = statements.map(() => null);
  if (costOf === undefined) return { indexes: [], before: nothing, after: nothing, cutShort: false };
  const places = [...statements.keys()].filter((place) => statements[place]?.isPlannable);
  const weighed = places.map((place) => ({
    calls: statements[place]?.calls ?? 1,
    candidates: [...new Set((proposals[place] ?? []).flat().filter(isProvable))],
  }));
  const askAt = (at: number, indexes: readonly Candidate[]) => costOf(places[at] ?? 0, indexes);
  const selection = await selectIndexes(weighed, askAt, {
    bytes: maxSize,
    sizeOf: (candidate) => sizeOf(candidate, major) ?? 0,
    upkeepOf: (candidate) => (writesOf(candidate, options)?.entries ?? 0) * options.writesPerCount * ENTRY_COST,
    tableBytes: tables.reduce((sum, { size }) => sum + size, 0),
    minGain,
    leastGain,
    isOver,
  });
  const plans: PlannedCost[] = [];
  for (const at of places.keys()) plans.push(await askAt(at, selection.chosen));
  const of = (costs: readonly number[]) => statements.map((_, place) => costs[places.indexOf(place)] ?? null);
  const [before, after] = [of(selection.before), of(selection.after)];
  const indexes = selection.chosen.map((candidate) => {
    const helps = places.filter((_, at) => plans[at]?.uses.includes(candidate));
    const total = (costs: readonly (number | null)[]) =>
      helps.reduce((sum, place) => sum + (costs[place] ?? 0) * (statements[place]?.calls ?? 1), 0);
    return { ...describe(candidate, options), proven: true, helps, costBefore: total(before), costAfter: total(after) };
  });
  return { indexes, before, after, cutShort: selection.cutShort };
}

function describe(
  candidate: Candidate,
  options: AdviceOptions,
): Omit<AdvisedIndex, 'proven' | 'helps' | 'costBefore' | 'costAfter'> {
  const writes = writesOf(candidate, options);
  return {
    candidate,
    size: sizeOf(candidate, options.major),
    writes: writes?.entries ?? null,
    endsHotUpdates: writes?.endsHotUpdates ?? false,
    replaces: replacedBy(candidate),
  };
}

/** https://www.postgresql.org/docs/current/storage-hot.html: an update that changes no indexed column writes to no index. */
function writesOf(candidate: Candidate, { statements }: AdviceOptions) {
  const { writes, oid } = candidate.table;
  if (writes === null) return undefined;
  const held = columnsOf(candidate);
  const changes = statements.some(({ use }) => [...(use.written.get(oid) ?? [])].some((column) => held.has(column)));
  const endsHotUpdates = changes && writes.hotUpdated > 0;
  return { entries: writes.inserted + writes.updated - (endsHotUpdates ? 0 : writes.hotUpdated), endsHotUpdates };
}

/** The best guess for each place that the proof did not reach: those that most statements want first. */
function guess(proposals: Proposals, options: AdviceOptions & { proof: Advice }): AdvisedIndex[] {
  const { statements, proof } = options;
  const wanted = new Map<Candidate, number[]>();
  for (const [place, ofStatement] of proposals.entries()) {
    const [before, after] = [proof.before[place] ?? null, proof.after[place] ?? null];
    const isProven = before !== null && after !== null;
    if (isProven && after < before * HARDLY_HELPED) continue;
    for (const candidates of ofStatement) {
      const plain = candidates.find(
        ({ method, include, predicate }) => method === 'btree' && include.length === 0 && predicate === undefined,
      );
      const others = candidates.filter((each) => each.method !== 'btree' || !isProvable(each)).slice(0, 2);
      const best = isProven ? others : [...(plain ? [plain] : []), ...others];
      for (const each of new Set(best)) wanted.set(each, [...new Set([...(wanted.get(each) ?? []), place])]);
    }
  }
  const weight = (places: readonly number[]) => places.reduce((sum, place) => sum + (statements[place]?.calls ?? 1), 0);
  const sorted = [...wanted].toSorted(([, a], [, b]) => weight(b) - weight(a));
  const perTable = new Map<AdvisedTable, number>();
  return sorted.flatMap(([candidate, helps]) => {
    const count = (perTable.get(candidate.table) ?? 0) + 1;
    perTable.set(candidate.table, count);
    if (count > MAX_GUESSES || proof.indexes.some((each) => each.candidate === candidate)) return [];
    return [{ ...describe(candidate, options), proven: false, helps, costBefore: null, costAfter: null }];
  });
}
