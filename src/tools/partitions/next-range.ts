import type { Point, Range } from './range-bounds.ts';

/** The range after the last one, as constants for FROM and TO; `name` is its beginning, in digits. */
export interface NextRange {
  readonly from: string;
  readonly to: string;
  readonly name: string;
}

/** A clock by which ranges are made. */
interface Clock {
  /** What it shows at a bound, as if that were UTC; undefined where it does not show that time once. */
  readonly read: (point: Point) => Date | undefined;
  /** Follows a time of it in a constant; PostgreSQL knows when a clock changes. */
  readonly suffix: string;
}

const DAY_MS = 86_400_000;
const HOUR_S = 3600;
/** So many ranges tell by which clock they are made: through winter and summer where each is a month. */
const TELLING = 12;

/**
 * As many months wide as the last where both its ends are the same day of a month, else as many days: by the clock of
 * the server or, where that does not show midnight at the bounds, by UTC. A part of an hour and what has no time zone is
 * added as it is. Undefined where the last range has no end, and where the bounds fit no clock.
 */
export function rangeAfter(ranges: readonly Range[], zone: string | null): NextRange | undefined {
  const last = ranges.at(-1);
  if (!last || !isWhole(last.from) || !isWhole(last.to)) return undefined;
  const points = ranges.slice(-TELLING).flatMap(({ from, to }) => [from, to].filter(isFinite));
  const isZoned = last.to.text?.endsWith('+00') === true;
  const clocks = isZoned ? [clockOf(zone), UTC] : [PLAIN];
  const clock = clocks.find(({ read }) => points.every((point) => isMidnight(read(point))));
  if (clock) return byCalendar(last, clock);
  const isSteady = !isZoned || isUtc(zone) || HOUR_S % (Number(last.to.order) - Number(last.from.order)) === 0;
  return isSteady ? byWidth(last, isZoned ? UTC : PLAIN) : undefined;
}

function isFinite({ order }: Point): boolean {
  return typeof order === 'number' && Number.isFinite(order);
}

function isWhole({ order }: Point): boolean {
  return Number.isInteger(order);
}

/** As our sessions read it, which are in UTC. */
function readText({ order }: Point): Date {
  return new Date(Number(order) * 1000);
}

const PLAIN: Clock = { read: readText, suffix: '' };
const UTC: Clock = { read: readText, suffix: '+00' };

function clockOf(zone: string | null): Clock {
  return {
    read: ({ local }) => (local === null ? undefined : new Date(`${local.replace(' ', 'T')}Z`)),
    suffix: ` ${zone}`,
  };
}

function isUtc(zone: string | null): boolean {
  return /^(Etc\/)?(UTC|UCT|GMT|Zulu)$/.test(zone ?? '');
}

function isMidnight(time: Date | undefined): boolean {
  return time !== undefined && time.getTime() % DAY_MS === 0;
}

function byCalendar(last: Range, clock: Clock): NextRange | undefined {
  const [start, end] = [clock.read(last.from), clock.read(last.to)];
  if (!start || !end) return undefined;
  const months = (end.getUTCFullYear() - start.getUTCFullYear()) * 12 + end.getUTCMonth() - start.getUTCMonth();
  const day = end.getUTCDate();
  const isMonths = months > 0 && start.getUTCDate() === day && day <= 28;
  const next = isMonths
    ? new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + months, day))
    : new Date(2 * end.getTime() - start.getTime());
  return describe(last, { clock, end, next });
}

function byWidth(last: Range, clock: Clock): NextRange | undefined {
  const [start, end] = [readText(last.from), readText(last.to)];
  return describe(last, { clock, end, next: new Date(2 * end.getTime() - start.getTime()) });
}

function describe(
  { to }: Range,
  { clock, end, next }: { readonly clock: Clock; readonly end: Date; readonly next: Date },
): NextRange | undefined {
  if (next.getUTCFullYear() > 9999) return undefined;
  const isDate = to.text?.includes(' ') === false;
  const write = (wall: Date) => {
    const iso = wall.toISOString();
    return isDate ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}${clock.suffix}`;
  };
  const name = `${end.toISOString().slice(0, 10)}${isMidnight(end) ? '' : end.toISOString().slice(11, 19)}`;
  return { from: write(end), to: write(next), name: name.replaceAll(/[^0-9]/g, '') };
}
