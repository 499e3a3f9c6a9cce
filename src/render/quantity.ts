/** What a number counts, as `.meta({ unit })` of a schema names it. */
export const UNITS = ['bytes', 'ms', 's', 'percent'] as const;
export type Unit = (typeof UNITS)[number];

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A number as a person reads it: `1.2 GB`, `3 min 20 s`, `12.5 %`. */
export function formatQuantity(value: number, unit: Unit): string {
  return FORMATS[unit](value);
}

const FORMATS: Readonly<Record<Unit, (value: number) => string>> = {
  bytes: formatBytes,
  ms: formatDuration,
  s: (value) => formatDuration(value * SECOND_MS),
  percent: (value) => `${decimals(value, 1)} %`,
};

/** Units of 1024, named as by PostgreSQL's pg_size_pretty; one decimal below 100. */
function formatBytes(bytes: number): string {
  let size = Math.abs(bytes);
  let i = 0;
  // 1023.5 would be written 1024
  while (i < BYTE_UNITS.length - 1 && size >= (i === 0 ? 1024 : 1023.5)) {
    size /= 1024;
    i++;
  }
  return `${bytes < 0 ? '-' : ''}${decimals(size, size < 99.95 && i > 0 ? 1 : 0)} ${BYTE_UNITS[i]}`;
}

/** Its two largest units; below a minute, three significant digits. */
function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 999.5) return `${decimals(ms, ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0)} ms`;
  if (ms < 59_950) return `${decimals(ms / SECOND_MS, ms < 9995 ? 2 : 1)} s`;
  if (ms < HOUR_MS - SECOND_MS / 2) return pair(ms, [MINUTE_MS, 'min'], [SECOND_MS, 's']);
  if (ms < DAY_MS - MINUTE_MS / 2) return pair(ms, [HOUR_MS, 'h'], [MINUTE_MS, 'min']);
  return pair(ms, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

type Part = readonly [ms: number, name: string];

function pair(ms: number, [major, majorName]: Part, [minor, minorName]: Part): string {
  const units = Math.round(ms / minor);
  const whole = Math.floor(units / (major / minor));
  const rest = units % (major / minor);
  return rest === 0 ? `${whole} ${majorName}` : `${whole} ${majorName} ${rest} ${minorName}`;
}

function decimals(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1');
}
