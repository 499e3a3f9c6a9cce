import type { Logger } from '../telemetry/logger.ts';

const LINES_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/** Says in the log that messages were refused, without their content, and not without end. */
export interface RefusalLog {
  add(code: number, reason: string): void;
}

export function createRefusalLog(logger: Logger, now: () => number = performance.now.bind(performance)): RefusalLog {
  let minute = -Infinity;
  let lines = 0;
  let unsaid = 0;
  return {
    add(code, reason) {
      if (now() - minute >= MINUTE_MS) {
        minute = now();
        lines = 0;
      }
      if (lines === LINES_PER_MINUTE) {
        unsaid += 1;
        return;
      }
      lines += 1;
      logger.warn({ code, reason, ...(unsaid > 0 && { refused_unsaid: unsaid }) }, 'message refused');
      unsaid = 0;
    },
  };
}
