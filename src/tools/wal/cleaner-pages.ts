/** More would hardly ever be written in one round. */
const MOST = 1000;

/** The bgwriter_lru_maxpages to try next; null where the limit is no limit any more. */
export function morePages(current: number): string | null {
  return current >= MOST ? null : String(Math.min(MOST, Math.max(200, 2 * current)));
}
