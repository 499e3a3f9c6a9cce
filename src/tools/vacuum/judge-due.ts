import { gather, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import { areAllBusy, type AutovacuumSettings } from './autovacuum-settings.ts';
import type { DueTable } from './due-table.ts';
import type { HorizonHolder } from './horizon-holders.ts';

export const HINDRANCES = [
  'being_vacuumed',
  'autovacuum_off',
  'storage_parameter',
  'locked',
  'held_back',
  'workers_busy',
] as const;
export type Hindrance = (typeof HINDRANCES)[number];

interface Circumstances {
  readonly settings: AutovacuumSettings | undefined;
  readonly holders: readonly HorizonHolder[];
}

/** The likely reason why a table that is due was not vacuumed, or not to any effect; null when none is known. */
export function hindranceOf(table: DueTable, { settings, holders }: Circumstances): Hindrance | null {
  if (table.due.length === 0) return null;
  if (table.running) return 'being_vacuumed';
  // against wraparound autovacuum comes also where it is off
  const forced = isForced(table);
  if (!forced && settings && !(settings.autovacuum && settings.track_counts)) return 'autovacuum_off';
  if (!forced && !table.autovacuum) return 'storage_parameter';
  if (table.locked) return 'locked';
  if (holders.some((holder) => hasHeldBack(holder, table))) return 'held_back';
  return settings && areAllBusy(settings) === true ? 'workers_busy' : null;
}

function isForced({ due }: DueTable): boolean {
  return due.includes('xid_age') || due.includes('mxid_age');
}

/** It was there before the last VACUUM, which left dead rows behind. */
function hasHeldBack(
  { since, catalogs_only }: HorizonHolder,
  { due, last_vacuum, last_autovacuum }: DueTable,
): boolean {
  if (since === null || catalogs_only || !due.includes('dead_rows')) return false;
  return [last_vacuum, last_autovacuum].some((time) => time !== null && Date.parse(time) > Date.parse(since));
}

/** A table with the reason that hinders autovacuum from it. */
export type Judged = Omit<DueTable, 'running' | 'locked' | 'due_rows' | 'total_rows'> & {
  readonly hindered_by: Hindrance | null;
};

interface Limits {
  readonly overdue_percent: number;
  readonly min_rows: number;
}

export function judgeDue(tables: readonly Judged[], { overdue_percent, min_rows }: Limits): Finding[] {
  // where it never comes by itself, it is late at once
  const late = tables.filter(
    ({ percent, hindered_by }) =>
      (percent ?? 0) >=
      (hindered_by === 'storage_parameter' || hindered_by === 'autovacuum_off' ? 100 : overdue_percent),
  );
  return [
    ...gather(tables.flatMap(judgeAge), (count) => `${count} tables are so old that VACUUM is forced.`),
    ...gather(
      late.filter((row) => isVacuumLate(row, min_rows)).map(describeVacuum),
      (count) => `${count} tables wait for VACUUM.`,
    ),
    ...gather(
      late.filter((row) => isAnalyzeLate(row, min_rows)).map(describeAnalyze),
      (count) => `${count} tables wait for ANALYZE.`,
    ),
  ];
}

function isVacuumLate({ due, dead_rows, inserts }: Judged, minRows: number): boolean {
  return (
    (due.includes('dead_rows') && (dead_rows ?? 0) >= minRows) || (due.includes('inserts') && (inserts ?? 0) >= minRows)
  );
}

/** VACUUM (ANALYZE) is advised where both are late. */
function isAnalyzeLate(row: Judged, minRows: number): boolean {
  return row.due.includes('changes') && (row.changes ?? 0) >= minRows && !isVacuumLate(row, minRows);
}

const BECAUSE: Readonly<Record<Hindrance, string>> = {
  being_vacuumed: 'it is being vacuumed now',
  autovacuum_off: 'autovacuum is off on this server',
  storage_parameter: 'a storage parameter turns autovacuum off for it',
  locked: 'a session holds or awaits an exclusive lock on it',
  held_back: 'it was vacuumed, and an old transaction keeps the rows',
  workers_busy: 'all autovacuum workers are busy',
};

function because({ hindered_by }: Judged): string {
  return hindered_by === null ? 'autovacuum has not come yet' : BECAUSE[hindered_by];
}

function severityOf({ hindered_by }: Judged): Finding['severity'] {
  return hindered_by === null || hindered_by === 'being_vacuumed' ? 'notice' : 'warning';
}

function describeVacuum(row: Judged): Finding {
  const { dead_rows, dead_rows_at, inserts, inserts_at, percent, last_vacuum, last_autovacuum, hindered_by } = row;
  const object = quoteName(row.schema, row.table);
  const dead = row.due.includes('dead_rows');
  const never = last_vacuum === null && last_autovacuum === null ? ' It was never vacuumed.' : '';
  return {
    severity: severityOf(row),
    claim: `${nameOf(row)} has ${dead ? `${dead_rows} dead rows` : `${inserts} rows inserted since the last VACUUM`}, and autovacuum comes at ${dead ? dead_rows_at : inserts_at}: ${because(row)}.${never}`,
    object,
    evidence: { dead_rows, dead_rows_at, inserts, inserts_at, percent, last_vacuum, last_autovacuum, hindered_by },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM',
    ...stepTo(row, object, row.due.includes('changes') ? 'VACUUM (ANALYZE)' : 'VACUUM'),
  };
}

function describeAnalyze(row: Judged): Finding {
  const { changes, changes_at, rows, percent, last_analyze, last_autoanalyze, hindered_by } = row;
  const object = quoteName(row.schema, row.table);
  return {
    severity: 'notice',
    claim: `${nameOf(row)} has ${changes} changes since the last ANALYZE, and autovacuum comes at ${changes_at}: ${because(row)}.`,
    object,
    evidence: { changes, changes_at, rows, percent, last_analyze, last_autoanalyze, hindered_by },
    why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-STATISTICS',
    ...stepTo(row, object, 'ANALYZE'),
  };
}

function nameOf({ schema, table, part }: Judged): string {
  return `${part === 'toast' ? 'The TOAST of ' : ''}${quoteName(schema, table)}`;
}

/** None where something else comes first, which has a finding of its own, or where it is done already. */
function stepTo({ hindered_by, part, autovacuum }: Judged, object: string, command: string): { next_step?: string } {
  if (hindered_by === 'being_vacuumed' || hindered_by === 'held_back') return {};
  if (hindered_by === 'locked') {
    return { next_step: `SELECT pid, mode, granted FROM pg_locks WHERE relation = ${quoteLiteral(object)}::regclass;` };
  }
  const allow = part === 'toast' ? 'autovacuum_enabled, toast.autovacuum_enabled' : 'autovacuum_enabled';
  const reset = autovacuum ? [] : [`ALTER TABLE ${object} RESET (${allow});`];
  return { next_step: [...reset, `${command} ${object};`].join('\n') };
}

/** VACUUM is forced at 100 % of the limit; this far beyond, it does not keep up. */
const BEHIND = 1.5;
/** 75 % of 2^31: https://www.postgresql.org/docs/current/runtime-config-vacuum.html#GUC-VACUUM-FAILSAFE-AGE */
const FAILSAFE_AGE = 1_600_000_000;

function judgeAge(row: Judged): Finding[] {
  const { xid_age, xid_age_at, mxid_age, mxid_age_at, hindered_by, last_vacuum, last_autovacuum } = row;
  const xids = row.due.includes('xid_age');
  if (!xids && !row.due.includes('mxid_age')) return [];
  const age = (xids ? xid_age : mxid_age) ?? 0;
  const limit = (xids ? xid_age_at : mxid_age_at) ?? 0;
  const object = quoteName(row.schema, row.table);
  return [
    {
      severity: age >= FAILSAFE_AGE ? 'critical' : age >= limit * BEHIND ? 'warning' : 'notice',
      claim: `${nameOf(row)} has not been frozen for ${age} ${xids ? 'transactions' : 'multixacts'}, and VACUUM is forced at ${limit}${hindered_by === null ? '' : `: ${BECAUSE[hindered_by]}`}.`,
      object,
      evidence: { xid_age, xid_age_at, mxid_age, mxid_age_at, last_vacuum, last_autovacuum, hindered_by },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
      ...stepTo(row, object, 'VACUUM (FREEZE)'),
    },
  ];
}
