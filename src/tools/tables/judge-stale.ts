import { gather, quoteIdentifier, quoteName, type Finding } from '../kit/index.ts';
import { judgeUncounted } from './judge-statistics.ts';
import type { StaleTable } from './stale-table.ts';

type Judged = Omit<StaleTable, 'total_rows'>;

interface Limits {
  readonly min_rows: number;
}

/** What was changed much since is judged by autovacuum's own thresholds, in judgeChanges. */
export function judgeStale(tables: readonly Judged[], { min_rows }: Limits): Finding[] {
  const [stored, foreign, whole] = [
    tables.filter(({ kind }) => kind !== 'foreign_table' && kind !== 'partitioned_table'),
    tables.filter(({ kind }) => kind === 'foreign_table'),
    tables.filter(({ kind }) => kind === 'partitioned_table'),
  ];
  const filled = (each: readonly Judged[]) =>
    each.filter((row) => Math.max(row.rows ?? 0, row.n_live_tup ?? 0) >= min_rows);
  const having = (each: readonly Judged[], reason: Judged['reasons'][number]) =>
    each.filter(({ reasons }) => reasons.includes(reason));
  return [
    ...judgeUncounted(having(stored, 'never_analyzed')),
    ...gather(
      having(filled(stored), 'never_analyzed')
        .filter(({ rows }) => rows !== null)
        .map((row) =>
          describe(
            row,
            `${wasAnalyzed(row) ? 'was empty when it was analysed' : 'was never analysed'}, so the planner knows nothing of what is in its columns`,
            VACUUMED,
          ),
        ),
      (count) => `Of ${count} tables the planner knows nothing of what is in their columns.`,
    ),
    ...gather(
      having(filled(whole), 'never_analyzed').map((row) =>
        describe(
          row,
          'was never analysed as a whole, which autovacuum does not do: of all partitions together the planner knows nothing',
          PARTITIONED,
        ),
      ),
      (count) => `${count} partitioned tables were never analysed as a whole, which autovacuum does not do.`,
    ),
    ...gather(
      having(filled(whole), 'changed')
        .filter(({ changed_percent }) => (changed_percent ?? 0) >= OUTGROWN_PERCENT)
        .map((row) =>
          describe(
            row,
            `has ${row.rows} rows in its partitions, ${row.changed_percent} % more or fewer than when it was analysed as a whole`,
            PARTITIONED,
          ),
        ),
      (count) => `${count} partitioned tables have changed much since they were analysed as a whole.`,
    ),
    ...gather(
      having(foreign, 'never_analyzed')
        .filter(({ remote_estimate }) => !remote_estimate)
        .map((row) =>
          describe(row, 'is a foreign table that was never analysed, which autovacuum does not do', FOREIGN),
        ),
      (count) => `${count} foreign tables were never analysed, which autovacuum does not do.`,
    ),
    ...gather(
      having(filled(tables), 'columns').map((row) =>
        describe(
          row,
          `has ${row.columns_without} ${row.columns_without === 1 ? 'column' : 'columns'} without statistics: ANALYZE has not seen ${row.columns_without === 1 ? 'it' : 'them'} yet`,
          VACUUMED,
        ),
      ),
      (count) => `${count} tables have columns without statistics.`,
    ),
    ...gather(
      filled(tables)
        .filter(({ reasons }) => reasons.includes('expressions') || reasons.includes('extended'))
        .map((row) =>
          describe(
            row,
            `has statistics that are declared and were never built: ${row.not_built.map(quoteIdentifier).join(', ')}`,
            EXTENDED,
          ),
        ),
      (count) => `${count} tables have statistics that are declared and were never built.`,
    ),
  ];
}

/** So much more or less in all partitions, and what is known of them as a whole misleads. */
const OUTGROWN_PERCENT = 50;

function wasAnalyzed({ last_analyze, last_autoanalyze }: Judged): boolean {
  return last_analyze !== null || last_autoanalyze !== null;
}

const VACUUMED = 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS';
const PARTITIONED = 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS';
const FOREIGN = 'https://www.postgresql.org/docs/current/postgres-fdw.html#POSTGRES-FDW-OPTIONS-COST-ESTIMATION';
const EXTENDED = 'https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED';

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
