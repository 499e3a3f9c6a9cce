/** Of https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES, the largest first. */
const BYTES = [
  ['TB', 2 ** 40],
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['kB', 2 ** 10],
  ['B', 1],
] as const;
const MILLISECONDS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
  ['ms', 1],
  ['us', 0.001],
] as const;

/** A value in its base unit, as pg_settings has it, with the unit that SHOW writes: `16384` of `8kB` is `128MB`. */
export function formatSetting(value: string | null, unit: string | null): string | null {
  const number = Number(value);
  // 0 and -1 have meanings of their own, in no unit
  if (value === null || unit === null || !(number > 0)) return value;
  const [, multiplier = '', name = ''] = /^(\d*)(\w+)$/.exec(unit) ?? [];
  for (const scale of [BYTES, MILLISECONDS] as const) {
    const base = scale.find(([each]) => each === name);
    if (!base) continue;
    const amount = number * Number(multiplier || 1) * base[1];
    const largest = scale.find(([, size]) => isWhole(amount / size));
    return largest ? `${Math.round(amount / largest[1])}${largest[0]}` : `${value}${unit}`;
  }
  return `${value}${unit}`;
}

function isWhole(number: number): boolean {
  return Math.round(number) > 0 && Math.abs(number - Math.round(number)) < 1e-9;
}

/** A value in bytes, in milliseconds, or as the plain number that it is; null where it is none. */
export function amountOf(value: string | null, unit: string | null): number | null {
  const number = value === null || value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) return null;
  // 0 and -1 have meanings of their own
  if (unit === null || number <= 0) return number;
  const [, multiplier = '', name = ''] = /^(\d*)(\w+)$/.exec(unit) ?? [];
  const [, size = 1] = [...BYTES, ...MILLISECONDS].find(([each]) => each === name) ?? [];
  return number * Number(multiplier || 1) * size;
}

/** As a configuration file has it, in the largest unit that it is a whole number of. */
export function formatBytes(bytes: number): string {
  return formatSetting(String(Math.max(1, Math.floor(bytes / 1024))), 'kB') ?? '';
}
