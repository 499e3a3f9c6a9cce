import { gather, quoteLiteral, quoteName, type Finding } from '../kit/index.ts';
import type { JudgedTable } from './due-table.ts';
import type { Hindrance } from './hindrance.ts';

/** A table with the reason that hinders autovacuum from it. */
export type Judged = Omit<JudgedTable, 'running' | 'locked' | 'vacuumed_s' | 'vacuum_took_s'> & {
  readonly hindered_by: Hindrance | null;
};

/** From where on a table is late enough to say so. */
export interface Limits {
  readonly overdue_percent: number;
  readonly min_rows: number;
}

export function judgeDue(tables: readonly Judged[], limits: Limits): Finding[] {
  return [
    ...judgeAges(tables),
    ...gather(
      lateOf(tables, limits)
        .filter((row) => isVacuumLate(row, limits.min_rows))
        .map(describeVacuum),
      (count) => `${count} tables wait for VACUUM.`,
    ),
    ...judgeChanges(tables, limits),
  ];
}

export function judgeAges(tables: readonly Judged[]): Finding[] {
  return gather(tables.flatMap(judgeAge), (count) => `${count} tables are so old that VACUUM is forced.`);
}

/** Of tables that wait for ANALYZE, and not for VACUUM, which is advised together with it. */
export function judgeChanges(tables: readonly Judged[], limits: Limits): Finding[] {
  return gather(
    lateOf(tables, limits)
      .filter((row) => isAnalyzeLate(row, limits.min_rows))
      .map(describeAnalyze),
    (count) => `${count} tables wait for ANALYZE.`,
  );
}

/** Where autovacuum never comes by itself, it is late at once. */
function lateOf(tables: readonly Judged[], { overdue_percent }: Limits): readonly Judged[] {
  return tables.filter(
    ({ percent, hindered_by }) =>
      (percent ?? 0) >=
      (hindered_by === 'storage_parameter' || hindered_by === 'autovacuum_off' ? 100 : overdue_percent),
  );
}

/** Whether what keeps VACUUM from this table is worth a word. */
export function isReported(row: JudgedTable, { overdue_percent, min_rows }: Limits): boolean {
  return isTooOld(row) || ((row.percent ?? 0) >= overdue_percent && isVacuumLate(row, min_rows));
}

type Counts = Pick<Judged, 'due' | 'dead_rows' | 'inserts'>;

function isVacuumLate({ due, dead_rows, inserts }: Counts, minRows: number): boolean {
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
  locked: 'a session holds or awaits a lock on it that keeps VACUUM out',
  held_back: 'what holds back cleanup was there before the last VACUUM',
  may_be_held_back: 'it was vacuumed, and what holds back cleanup may keep the rows',
  workers_busy: 'all autovacuum workers are busy',
};

/** `last` is when autovacuum came for this. */
function because({ hindered_by }: Judged, last: string | null): string {
  if (hindered_by !== null) return BECAUSE[hindered_by];
  return last === null ? 'it has not come yet' : `it last came at ${last}`;
}

const MILD: readonly (Hindrance | null)[] = [null, 'being_vacuumed', 'may_be_held_back'];

function severityOf({ hindered_by }: Judged): Finding['severity'] {
  return MILD.includes(hindered_by) ? 'notice' : 'warning';
}

function describeVacuum(row: Judged): Finding {
  const { dead_rows, dead_rows_at, inserts, inserts_at, percent, last_vacuum, last_autovacuum, hindered_by } = row;
  const object = quoteName(row.schema, row.table);
  const dead = row.due.includes('dead_rows');
  const never = last_vacuum === null && last_autovacuum === null ? ' It was never vacuumed.' : '';
  return {
    severity: severityOf(row),
    claim: `${nameOf(row)} has ${dead ? `${dead_rows} dead rows` : `${inserts} rows inserted since the last VACUUM`}, and autovacuum comes at ${dead ? dead_rows_at : inserts_at}: ${because(row, last_autovacuum)}.${never}`,
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
    claim: `${nameOf(row)} has ${changes} changes since the last ANALYZE, and autovacuum comes at ${changes_at}: ${because(row, last_autoanalyze)}.`,
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
  if (hindered_by === 'may_be_held_back') {
    return { next_step: `VACUUM (VERBOSE) ${object}; -- it says how many dead rows it may not yet remove` };
  }
  const allow = part === 'toast' ? 'autovacuum_enabled, toast.autovacuum_enabled' : 'autovacuum_enabled';
  const reset = autovacuum ? [] : [`ALTER TABLE ${object} RESET (${allow});`];
  return { next_step: [...reset, `${command} ${object};`].join('\n') };
}

/** Autovacuum comes at 100 % of the limit, as it is meant to; this far beyond, it does not keep up. */
const BEHIND = 1.5;
/** 75 % of 2^31: https://www.postgresql.org/docs/current/runtime-config-vacuum.html#GUC-VACUUM-FAILSAFE-AGE */
const FAILSAFE_AGE = 1_600_000_000;

type Ages = Pick<Judged, 'due' | 'xid_age' | 'xid_age_at' | 'mxid_age' | 'mxid_age_at'>;

/** The age that is furthest beyond its limit; null where none is. */
function worstAge({ due, xid_age, xid_age_at, mxid_age, mxid_age_at }: Ages) {
  const ages = [
    { of: 'transactions', age: xid_age ?? 0, limit: xid_age_at ?? 0, due: due.includes('xid_age') },
    { of: 'multixacts', age: mxid_age ?? 0, limit: mxid_age_at ?? 0, due: due.includes('mxid_age') },
  ];
  const [worst] = ages.filter((each) => each.due).toSorted((a, b) => b.age / b.limit - a.age / a.limit);
  return worst ?? null;
}

function isTooOld(row: Ages): boolean {
  const worst = worstAge(row);
  return worst !== null && (worst.age >= FAILSAFE_AGE || worst.age >= worst.limit * BEHIND);
}

/** Plain VACUUM freezes what it must by itself; FREEZE would do more of the work that is late. */
function judgeAge(row: Judged): Finding[] {
  const worst = worstAge(row);
  if (!worst || !isTooOld(row)) return [];
  const { xid_age, xid_age_at, mxid_age, mxid_age_at, hindered_by, last_vacuum, last_autovacuum } = row;
  const object = quoteName(row.schema, row.table);
  return [
    {
      severity: worst.age >= FAILSAFE_AGE ? 'critical' : 'warning',
      claim: `${nameOf(row)} has not been frozen for ${worst.age} ${worst.of}, and VACUUM is forced at ${worst.limit}${hindered_by === null ? '' : `: ${BECAUSE[hindered_by]}`}.`,
      object,
      evidence: { xid_age, xid_age_at, mxid_age, mxid_age_at, last_vacuum, last_autovacuum, hindered_by },
      why: 'https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND',
      ...stepTo(row, object, 'VACUUM'),
    },
  ];
}
