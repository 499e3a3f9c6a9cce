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
  const possible = recent ? able.find(({ since }) => since === null) : undefined;
  return possible && { holder: possible, sure: false };
}

function isForced({ due }: JudgedTable): boolean {
  return due.includes('xid_age') || due.includes('mxid_age');
}

/** VACUUM cannot bring the age of the table below its limit. */
function keepsFromFreezing({ xmin_age }: HorizonHolder, { due, xid_age_at }: JudgedTable): boolean {
  return due.includes('xid_age') && xid_age_at !== null && xmin_age > xid_age_at;
}

/** It was there before the last VACUUM, which left dead rows behind. */
function wasThereBefore({ since }: HorizonHolder, table: JudgedTable): boolean {
  return since !== null && table.due.includes('dead_rows') && lastVacuumMs(table) > Date.parse(since);
}

function lastVacuumMs({ last_vacuum, last_autovacuum }: JudgedTable): number {
  return Math.max(...[last_vacuum, last_autovacuum].map((time) => (time === null ? -Infinity : Date.parse(time))));
}
