import type { NotExamined } from '../kit/index.ts';
import type { AutovacuumSettings } from './autovacuum-settings.ts';
import type { JudgedTable } from './due-table.ts';
import { hindranceOf, suspectOf } from './hindrance.ts';
import type { HorizonHolder, Suspect } from './horizon-holders.ts';
import { isReported, type Judged, type Limits } from './judge-due.ts';

interface Circumstances {
  readonly settings: AutovacuumSettings | undefined;
  readonly holders: readonly HorizonHolder[];
  readonly inRecovery: boolean;
}

interface Assessed<Table> {
  readonly rows: readonly (Table & Judged)[];
  /** Of the tables that are worth a word, who came between VACUUM and their rows. */
  readonly suspects: readonly Suspect[];
}

/** As autovacuum_status has them by default, so that others judge alike. */
export const USUAL_LIMITS: Limits = { overdue_percent: 200, min_rows: 1000 };

/** What keeps autovacuum from each of these tables. */
export function assess<Table extends JudgedTable>(
  tables: readonly Table[],
  { settings, holders, inRecovery }: Circumstances,
  limits: Limits,
): Assessed<Table> {
  // the thresholds of a standby are not those that its primary goes by
  const circumstances = { settings: inRecovery ? undefined : settings, holders };
  return {
    rows: tables.map((table) => ({ ...table, hindered_by: hindranceOf(table, circumstances) })),
    suspects: inRecovery
      ? []
      : tables.flatMap((table) => (isReported(table, limits) ? (suspectOf(table, circumstances) ?? []) : [])),
  };
}

export const VACUUMED_ON_PRIMARY: NotExamined = {
  what: 'dead rows, inserts, changes, last vacuum and analyze, workers',
  reason:
    'This server is a standby: only its primary counts and vacuums. Ages are true here, thresholds are by the settings of this server.',
  remedy: 'Ask the primary.',
};
