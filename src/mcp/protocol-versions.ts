/** Versions of the era in which each request stands for itself. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28'];

/**
 * Versions of the era that opens with `initialize`, the newest first. Not the SDK's own list: what is agreed to must not
 * change with its updates.
 */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Versions are dates, so that their order is that of their text. */
export function isModernVersion(version: string): boolean {
  return version >= '2026-07-28';
}

const MODERN_ONLY = new Set(['server/discover', 'subscriptions/listen']);
const LEGACY_ONLY = new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

/** Whether a method belongs to an era. */
export function isMethodOf(era: 'legacy' | 'modern', method: string): boolean {
  return !(era === 'modern' ? LEGACY_ONLY : MODERN_ONLY).has(method);
}
