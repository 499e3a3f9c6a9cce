import type { CallRequest } from '../calls/execute.ts';

/** Of RFC 5424, from the least to the most urgent. */
const LEVELS: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export function isLogLevel(value: unknown): boolean {
  return LEVELS.includes(value);
}

/** The parameters of `notifications/message`. */
export interface LogMessageParams extends Record<string, unknown> {
  readonly level: string;
  readonly logger: 'howdah';
  readonly data: string;
}

/** Passes on what is as urgent as `least` or more; undefined for a caller that names no level. */
export function logTo(least: unknown, notify: (params: LogMessageParams) => void): CallRequest['onLog'] {
  const threshold = LEVELS.indexOf(least);
  if (threshold === -1) return undefined;
  return (level, data) => {
    if (LEVELS.indexOf(level) >= threshold) notify({ level, logger: 'howdah', data });
  };
}
