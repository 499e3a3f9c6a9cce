import {
  comment,
  gather,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
} from '../kit/index.ts';
import type { Unknown } from './estimate-heap.ts';
import { EXAMINED_AT_MOST } from './heap.ts';
import { callOf, megabytes, type Pgstattuple } from './pgstattuple.ts';
import type { TableRow } from './table-row.ts';

interface Limits {
  readonly min_wasted: number;
  readonly max_percent: number;
  readonly pgstattuple: Pgstattuple;
  /** A standby does not count when VACUUM came. */
  readonly inRecovery: boolean;
}

/** What is measured, and this large, is worth a window for maintenance. */
const WARN_BYTES = 1_073_741_824;

export function judgeTables(rows: readonly TableRow[], limits: Limits): Finding[] {
  const bloated = rows.filter((row) => {
    const { wasted, all } = wasteOf(row);
    return wasted >= limits.min_wasted && (wasted / all) * 100 >= limits.max_percent;
  });
  return gather(
    bloated.map((row) => judge(row, limits)),
    (count) => `${count} tables take much more space than their rows.`,
  );
}

/** Of table and TOAST together. */
function wasteOf({ size, wasted, toast_size, toast_wasted }: TableRow) {
  return { wasted: (wasted ?? 0) + (toast_wasted ?? 0), all: Math.max(size + toast_size, 1) };
}

function judge(row: TableRow, { pgstattuple, inRecovery }: Limits): Finding {
  const { schema, table, size, wasted, toast_size, toast_wasted, dead_rows, rows, method, fillfactor, last_vacuum } =
    row;
  const object = quoteName(schema, table);
  const waste = wasteOf(row);
  const percent = Math.round((waste.wasted / waste.all) * 100);
  return {
    severity: method === 'exact' && waste.wasted >= WARN_BYTES ? 'warning' : 'notice',
    claim: `${method === 'estimated' ? 'About ' : ''}${percent} % of ${object} (${megabytes(waste.wasted)}) is space that its rows do not need.`,
    object,
    evidence: {
      size,
      wasted,
      toast_size,
      toast_wasted,
      dead_rows,
      rows,
      fillfactor,
      method,
      ...(!inRecovery && { last_vacuum }),
    },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY',
    next_step: [
      ...(method === 'estimated'
        ? ['-- measures it first', callOf(pgstattuple, `pgstattuple_approx(${quoteLiteral(object)}::regclass)`)]
        : []),
      '-- new rows will take this space; only where none will come is it worth giving back',
      comment(
        `VACUUM FULL ${object}; locks everybody out while it writes ${megabytes(waste.all - waste.wasted)} anew, with its indexes; pg_repack does it beside the work`,
      ),
    ].join('\n'),
  };
}

const REASONS: Readonly<Record<Unknown, string>> = {
  never_analyzed: 'Never vacuumed or analysed, as far as the server knows.',
  no_statistics: 'ANALYZE has not seen every column.',
  access_method: 'An access method of its own stores them, whose pages nobody else knows.',
  not_visible: 'pg_stats shows only columns that the login may read.',
};

/** A table, or an index of it. */
type Known = Pick<TableRow, 'schema' | 'table' | 'unknown'> & { readonly index?: string };

interface Estimated {
  readonly rows: readonly Known[];
  /** Those that are large enough to be estimated. */
  readonly candidates: number;
  readonly of?: 'tables' | 'indexes';
}

/** Of which the bloat is unknown, and what would make it known. */
export function notEstimated(
  { rows, candidates, of = 'tables' }: Estimated,
  { major, role }: ConnectionFacts,
): NotExamined[] {
  const mend = (unknown: Unknown, unknowns: readonly Known[]): string | undefined => {
    if (unknown === 'access_method') return undefined;
    if (unknown === 'not_visible') return seeStatistics(role, major);
    const tables = new Set(unknowns.map(({ schema, table }) => quoteName(schema, table)));
    const statements = [...tables].slice(0, NAMED).map((table) => `ANALYZE ${table};`);
    return statements.join(' ');
  };
  const unknown = (Object.keys(REASONS) as Unknown[]).flatMap((reason) => {
    const tables = rows.filter((row) => row.unknown === reason);
    if (tables.length === 0) return [];
    const remedy = mend(reason, tables);
    return [
      {
        what: `the bloat of ${listed(tables, of)}`,
        reason: REASONS[reason],
        ...(remedy !== undefined && { remedy }),
      },
    ];
  });
  if (candidates <= EXAMINED_AT_MOST) return unknown;
  return [
    ...unknown,
    {
      what: `the bloat of ${candidates - EXAMINED_AT_MOST} smaller ${of}`,
      reason: `There are ${candidates}, of which the ${EXAMINED_AT_MOST} largest are estimated.`,
      remedy: 'Ask for one schema, or a part of the name.',
    },
  ];
}

/** Who may measure needs no right to the rows; the right to all statistics of columns is one to all rows. */
function seeStatistics(role: ConnectionFacts['role'], major: number): string {
  const login = quoteIdentifier(role.name);
  if (role.effectiveRoles.includes('pg_stat_scan_tables'))
    return 'Call it with exact: true, which needs pgstattuple alone.';
  const measure = `GRANT pg_stat_scan_tables TO ${login}; -- and call it with exact: true, which needs pgstattuple`;
  return major < 14
    ? measure
    : `${measure}\n${comment(`else GRANT pg_read_all_data TO ${login}, which lets it read all tables, too`)}`;
}

const NAMED = 5;

function listed(unknowns: readonly Known[], of: 'tables' | 'indexes'): string {
  const names = unknowns.slice(0, NAMED).map(({ schema, table, index }) => quoteName(schema, index ?? table));
  return `${names.join(', ')}${unknowns.length > NAMED ? ` and ${unknowns.length - NAMED} more ${of}` : ''}`;
}
