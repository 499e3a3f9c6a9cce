import { gather, quoteLiteral, quoteName, type AboutCounting, type Finding, type NotExamined } from '../kit/index.ts';
import { behindLocks } from './measure.ts';
import type { ScanRow } from './scan-row.ts';

/** Fewer are a backup each night, or somebody who looks around. */
const MIN_SCANS = 100;
/** What these scans alone keep a disk or a processor busy with. */
const HEAVY_BYTES_PER_S = 104_857_600;
/** In a shorter time a handful of scans is a high rate. */
const MIN_COUNTED_S = 600;

interface Evidence {
  readonly input: { readonly min_size: number; readonly min_scans_per_day: number; readonly min_rows: number };
  readonly about: (AboutCounting & { readonly statements_view: string | null }) | null;
}

/** Of a small table, or for most of its rows, a sequential scan is the right plan. */
export function judgeSequentialScans(rows: readonly ScanRow[], { input, about }: Evidence): Finding[] {
  const view = about?.statements_view ?? null;
  const sustained = (about?.counted_s ?? 0) >= MIN_COUNTED_S;
  const read = rows.filter(
    ({ size, seq_scan, rows_per_scan, scans_per_day }) =>
      size >= input.min_size &&
      seq_scan >= MIN_SCANS &&
      (scans_per_day ?? Infinity) >= input.min_scans_per_day &&
      rows_per_scan >= input.min_rows,
  );
  return gather(
    read.map((row) => judge(row, { view, sustained })),
    (count) => `${count} large tables are often read from end to end.`,
    view === null ? NO_STATEMENTS : `SELECT * FROM ${view} ORDER BY shared_blks_hit + shared_blks_read DESC LIMIT 20;`,
  );
}

const NO_STATEMENTS =
  "-- which statements they are, pg_stat_statements would tell; before it is there, look at those that run\nSELECT * FROM pg_stat_activity WHERE state = 'active';";

function judge(
  row: ScanRow,
  { view, sustained }: { readonly view: string | null; readonly sustained: boolean },
): Finding {
  const { schema, table, size, rows, seq_scan, rows_per_scan, scans_per_day, read_size_per_s, seq_percent } = row;
  const object = quoteName(schema, table);
  return {
    severity: sustained && (read_size_per_s ?? 0) >= HEAVY_BYTES_PER_S ? 'warning' : 'notice',
    claim: `${object} is large, and was read sequentially ${seq_scan} times, ${rows_per_scan} rows each time.`,
    object,
    evidence: { size, rows, seq_scan, rows_per_scan, scans_per_day, read_size_per_s, seq_percent },
    why: 'https://www.postgresql.org/docs/current/using-explain.html',
    next_step: view === null ? NO_STATEMENTS : findStatements(row, view),
  };
}

/** An index is worth its cost for statements that want few of the rows; which those are, EXPLAIN tells. */
function findStatements({ table }: ScanRow, view: string): string {
  return [
    '-- EXPLAIN these: one that wants few rows may need an index, one that wants most of them does not',
    `SELECT queryid, calls, rows / greatest(calls, 1) AS rows_per_call, (shared_blks_hit + shared_blks_read) / greatest(calls, 1) AS blocks_per_call, query FROM ${view} WHERE strpos(query, ${quoteLiteral(table)}) > 0 ORDER BY shared_blks_hit + shared_blks_read DESC LIMIT 10;`,
  ].join('\n');
}

/** What the counters of one server do not tell. */
export function scansElsewhere(rows: readonly ScanRow[], inRecovery: boolean): NotExamined[] {
  return [
    ...behindLocks(rows),
    ...(inRecovery
      ? [
          {
            what: 'scans on the primary and on other standbys',
            reason: 'This server is a standby and counts its own scans only.',
            remedy: 'Ask the primary, where an index would be made, and the other standbys.',
          },
        ]
      : []),
  ];
}
