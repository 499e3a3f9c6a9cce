import { PlatformError } from '../core/errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** An ISO date, or a time with its offset: one without would mean another moment on another machine. */
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** `2h` and `7d` are so long before `nowMs`; a date is its midnight in UTC. Returns ISO; fails with INVALID_INPUT. */
export function readTime(name: string, text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ms = count === undefined ? parseIso(text) : nowMs - Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  const time = new Date(ms);
  if (!Number.isNaN(ms) && time.getUTCFullYear() >= 1970 && time.getUTCFullYear() < 10_000) return time.toISOString();
  throw new PlatformError(
    'INVALID_INPUT',
    `The value of \`${name}\` is no time: ${JSON.stringify(text.slice(0, 40))}.`,
    {
      hint: 'Write how long ago, such as 90s, 30m, 2h, 7d or 4w, or a date, or a time such as 2026-01-31T10:20:00Z.',
    },
  );
}

function parseIso(text: string): number {
  return ISO.test(text) ? Date.parse(text) : Number.NaN;
}
