import { gather, quoteIdentifier, quoteName, type Finding } from '../kit/index.ts';
import { judgeUncounted } from './judge-statistics.ts';
import type { StaleTable } from './stale-table.ts';

type Judged = Omit<StaleTable, 'total_rows'>;

interface Kind {
  readonly applies: (row: Judged, minRows: number) => boolean;
  readonly claim: (row: Judged) => string;
  readonly many: (count: number) => string;
  readonly why: string;
}

/** What was changed much since is judged by autovacuum's own thresholds, in judgeChanges. */
export function judgeStale(tables: readonly Judged[], { min_rows }: { readonly min_rows: number }): Finding[] {
  const uncounted = tables.filter(({ kind, reasons }) => isStored(kind) && reasons.includes('never_analyzed'));
  return [
    ...judgeUncounted(uncounted),
    ...KINDS.flatMap(({ applies, claim, many, why }) =>
      gather(
        tables.filter((row) => applies(row, min_rows)).map((row) => describe(row, claim(row), why)),
        many,
      ),
    ),
  ];
}

function isStored(kind: Judged['kind']): boolean {
  return kind !== 'foreign_table' && kind !== 'partitioned_table';
}

function isFilled({ rows, n_live_tup }: Judged, minRows: number): boolean {
  return Math.max(rows ?? 0, n_live_tup ?? 0) >= minRows;
}

/** So much more or less in all partitions, and what is known of them as a whole misleads. */
const OUTGROWN_PERCENT = 50;

const VACUUMED = 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS';

const KINDS: readonly Kind[] = [
  {
    applies: (row, minRows) =>
      isStored(row.kind) && row.reasons.includes('never_analyzed') && row.rows !== null && isFilled(row, minRows),
    claim: ({ last_analyze, last_autoanalyze }) =>
      `${last_analyze === null && last_autoanalyze === null ? 'was never analysed' : 'was empty when it was analysed'}, so the planner knows nothing of what is in its columns`,
    many: (count) => `Of ${count} tables the planner knows nothing of what is in their columns.`,
    why: VACUUMED,
  },
  {
    applies: (row, minRows) =>
      row.kind === 'partitioned_table' && row.reasons.includes('never_analyzed') && isFilled(row, minRows),
    claim: () =>
      'was never analysed as a whole, which autovacuum does not do: of all partitions together the planner knows nothing',
    many: (count) => `${count} partitioned tables were never analysed as a whole, which autovacuum does not do.`,
    why: VACUUMED,
  },
  {
    applies: (row, minRows) =>
      row.kind === 'partitioned_table' &&
      row.reasons.includes('changed') &&
      (row.changed_percent ?? 0) >= OUTGROWN_PERCENT &&
      isFilled(row, minRows),
    claim: ({ rows, changed_percent }) =>
      `has ${rows} rows in its partitions, ${changed_percent} % more or fewer than when it was analysed as a whole`,
    many: (count) => `${count} partitioned tables have changed much since they were analysed as a whole.`,
    why: VACUUMED,
  },
  {
    applies: ({ kind, reasons, remote_estimate }) =>
      kind === 'foreign_table' && reasons.includes('never_analyzed') && !remote_estimate,
    claim: () => 'is a foreign table that was never analysed, which autovacuum does not do',
    many: (count) => `${count} foreign tables were never analysed, which autovacuum does not do.`,
    why: 'https://www.postgresql.org/docs/current/postgres-fdw.html#POSTGRES-FDW-OPTIONS-COST-ESTIMATION',
  },
  {
    applies: (row, minRows) => row.reasons.includes('columns') && isFilled(row, minRows),
    claim: ({ columns_without }) =>
      columns_without === 1
        ? 'has 1 column without statistics: ANALYZE has not seen it yet'
        : `has ${columns_without} columns without statistics: ANALYZE has not seen them yet`,
    many: (count) => `${count} tables have columns without statistics.`,
    why: VACUUMED,
  },
  {
    applies: (row, minRows) =>
      (row.reasons.includes('expressions') || row.reasons.includes('extended')) && isFilled(row, minRows),
    claim: ({ not_built }) =>
      `has statistics that are declared and were never built: ${not_built.map(quoteIdentifier).join(', ')}`,
    many: (count) => `${count} tables have statistics that are declared and were never built.`,
    why: 'https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED',
  },
];

function describe(row: Judged, what: string, why: string): Finding {
  const { schema, table, kind, rows, n_live_tup, changed_percent, last_analyze, last_autoanalyze, columns_without } =
    row;
  const object = quoteName(schema, table);
  return {
    severity: 'notice',
    claim: `${object} ${what}.`,
    object,
    evidence: { kind, rows, n_live_tup, changed_percent, last_analyze, last_autoanalyze, columns_without },
    why,
    next_step:
      kind === 'foreign_table' ? `ANALYZE ${object}; -- reads a sample of it from where it is` : `ANALYZE ${object};`,
  };
}
