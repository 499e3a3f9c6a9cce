import type { Costs, LoadRow } from './load-row.ts';
import type { StatementLoad } from './statement-costs.ts';
import { typeOf } from './statement-type.ts';

export const GROUPINGS = ['database', 'role', 'database_and_role', 'statement_type'] as const;
export type Grouping = (typeof GROUPINGS)[number];

type Key = Pick<LoadRow, 'database' | 'user' | 'type'>;

/** Added up by what is asked for, those that took most time first, and the sums of all. */
export function foldLoad(rows: readonly StatementLoad[], grouping: Grouping): { rows: LoadRow[]; totals: Costs } {
  const totals = rows.reduce(add, NO_COSTS);
  const groups = new Map<string, { key: Key; costs: Costs; statements: number }>();
  for (const row of rows) {
    const key = keyOf(row, grouping);
    const name = JSON.stringify(key);
    const group = groups.get(name) ?? { key, costs: NO_COSTS, statements: 0 };
    groups.set(name, { key, costs: add(group.costs, row), statements: group.statements + row.statements });
  }
  const folded = [...groups.values()].map(({ key, costs, statements }) => describe(key, statements, { costs, totals }));
  return { rows: folded.toSorted((a, b) => (b.total_ms ?? 0) - (a.total_ms ?? 0)), totals };
}

function keyOf({ database, user, word }: StatementLoad, grouping: Grouping): Key {
  return {
    database: grouping.includes('database') ? database : null,
    user: grouping.includes('role') ? user : null,
    type: grouping === 'statement_type' ? typeOf(word) : null,
  };
}

const NO_COSTS: Costs = {
  calls: 0,
  total_ms: null,
  rows: 0,
  read_size: null,
  temp_size: null,
  wal_size: null,
  planning_ms: null,
  jit_ms: null,
};

function add(sums: Costs, costs: Costs): Costs {
  const plus = (field: keyof Costs) => (sums[field] === null ? costs[field] : sums[field] + (costs[field] ?? 0));
  return {
    calls: sums.calls + costs.calls,
    total_ms: plus('total_ms'),
    rows: sums.rows + costs.rows,
    read_size: plus('read_size'),
    temp_size: plus('temp_size'),
    wal_size: plus('wal_size'),
    planning_ms: plus('planning_ms'),
    jit_ms: plus('jit_ms'),
  };
}

function describe(
  key: Key,
  statements: number,
  { costs, totals }: Readonly<Record<'costs' | 'totals', Costs>>,
): LoadRow {
  const share = (field: keyof Costs) => percentOf(costs[field], totals[field]);
  return {
    ...key,
    statements,
    calls: costs.calls,
    calls_percent: share('calls'),
    total_ms: round(costs.total_ms, 3),
    total_percent: share('total_ms'),
    mean_ms: costs.total_ms === null || costs.calls === 0 ? null : round(costs.total_ms / costs.calls, 3),
    rows: costs.rows,
    rows_percent: share('rows'),
    read_size: costs.read_size,
    read_percent: share('read_size'),
    temp_size: costs.temp_size,
    temp_percent: share('temp_size'),
    wal_size: costs.wal_size,
    wal_percent: share('wal_size'),
    planning_ms: round(costs.planning_ms, 3),
    planning_percent: share('planning_ms'),
    jit_ms: round(costs.jit_ms, 3),
    jit_percent: share('jit_ms'),
  };
}

/** Null where there is nothing to have a share of. */
export function percentOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : round((100 * part) / whole, 2);
}

function round<T extends number | null>(value: T, digits: number): T {
  return (value === null ? null : Number(value.toFixed(digits))) as T;
}
