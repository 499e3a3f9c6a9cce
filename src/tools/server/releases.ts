import type { Major } from '../kit/index.ts';

/** The day of each major's last release: https://www.postgresql.org/support/versioning/ */
export const SUPPORTED_UNTIL: Readonly<Record<Major, string>> = {
  12: '2024-11-21',
  13: '2025-11-13',
  14: '2026-11-12',
  15: '2027-11-11',
  16: '2028-11-09',
  17: '2029-11-08',
  18: '2030-11-14',
};

/** Null for a major that was not out yet when this table was made. */
export function supportedUntil(major: number): string | null {
  return Object.entries(SUPPORTED_UNTIL).find(([known]) => Number(known) === major)?.[1] ?? null;
}
