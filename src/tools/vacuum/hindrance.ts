import { areAllBusy, type AutovacuumSettings } from './autovacuum-settings.ts';
import type { JudgedTable } from './due-table.ts';
import type { HorizonHolder, Suspect } from './horizon-holders.ts';

export const HINDRANCES = [
  'being_vacuumed',
  'autovacuum_off',
  'storage_parameter',
  'locked',
  'held_back',
  'may_be_held_back',
  'workers_busy',
] as const;
export type Hindrance = (typeof HINDRANCES)[number];

/** A VACUUM of so many rounds of autovacuum ago, and of so many seconds, is the last that it should take. */
const ROUNDS = 5;
const RECENT_S = 60;

interface Circumstances {
  readonly settings: AutovacuumSettings | undefined;
  readonly holders: readonly HorizonHolder[];
}

/** The likely reason why a table that is due was not vacuumed, or not to any effect; null when none is known. */
export function hindranceOf(table: JudgedTable, circumstances: Circumstances): Hindrance | null {
  const { settings } = circumstances;
  if (table.due.length === 0) return null;
  if (table.running) return 'being_vacuumed';
  // against wraparound autovacuum comes also where it is off
  const forced = isForced(table);
  if (!forced && settings && !(settings.autovacuum && settings.track_counts)) return 'autovacuum_off';
  if (!forced && !table.autovacuum) return 'storage_parameter';
  if (table.locked) return 'locked';
  const suspect = suspectOf(table, circumstances);
  if (suspect) return suspect.sure ? 'held_back' : 'may_be_held_back';
  return settings && areAllBusy(settings) === true ? 'workers_busy' : null;
}

/** Who came, or may have come, between VACUUM and the rows of this table. */
export function suspectOf(table: JudgedTable, { settings, holders }: Circumstances): Suspect | undefined {
  const able = holders.filter(({ catalogs_only, xmin_age }) => !catalogs_only && xmin_age > 0);
  const culprit = able.find((holder) => keepsFromFreezing(holder, table) || wasThereBefore(holder, table));
  if (culprit) return { holder: culprit, sure: true };
  const vacuumedS = table.due.includes('dead_rows') ? (table.vacuumed_s ?? Infinity) : Infinity;
  const recent = vacuumedS < Math.max(RECENT_S, ROUNDS * (settings?.naptime_s ?? 0));
  // standbys and slots do not say since when
  const possible = able.find((holder) => (recent && holder.since === null) || cameInTime(holder, table));
  return possible && { holder: possible, sure: false };
}

function isForced({ due }: JudgedTable): boolean {
  return due.includes('xid_age') || due.includes('mxid_age');
}

/** VACUUM cannot bring the age of the table below its limit. */
function keepsFromFreezing({ xmin_age }: HorizonHolder, { due, xid_age_at }: JudgedTable): boolean {
  return due.includes('xid_age') && xid_age_at !== null && xmin_age > xid_age_at;
}

/** It was there before the last VACUUM began, which left dead rows behind. */
function wasThereBefore({ since }: HorizonHolder, table: JudgedTable): boolean {
  return since !== null && table.due.includes('dead_rows') && lastVacuumBeganAfter(table) > Date.parse(since);
}

/** It was there before the last VACUUM ended, and nobody knows whether before it began. */
function cameInTime({ since }: HorizonHolder, table: JudgedTable): boolean {
  return since !== null && table.due.includes('dead_rows') && lastVacuumEndedAt(table) > Date.parse(since);
}

const msOf = (time: string | null) => (time === null ? -Infinity : Date.parse(time));

function lastVacuumEndedAt({ last_vacuum, last_autovacuum }: JudgedTable): number {
  return Math.max(msOf(last_vacuum), msOf(last_autovacuum));
}

/**
 * Views know when VACUUM ended. VACUUM and ANALYZE of one table come one after the other, so that the last one began after
 * whatever ended before it; and it took no longer than all of its kind together.
 */
function lastVacuumBeganAfter(table: JudgedTable): number {
  const { last_vacuum, last_autovacuum, last_analyze, last_autoanalyze, vacuum_took_s } = table;
  const ended = lastVacuumEndedAt(table);
  const before = [last_vacuum, last_autovacuum, last_analyze, last_autoanalyze]
    .map(msOf)
    .filter((time) => time < ended);
  return Math.max(-Infinity, ...before, ended - (vacuum_took_s ?? Infinity) * 1000);
}
