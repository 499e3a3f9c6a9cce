import { PlatformError } from './errors.ts';

/** How long a call may still take, and why it should stop before that. */
export interface Deadline {
  /** Aborts with a PlatformError as its reason: TIMEOUT at the deadline, CANCELLED when the caller has gone. */
  readonly signal: AbortSignal;
  /** Milliseconds left, never below zero. */
  remainingMs(): number;
  /** Stops the clock. Must be called when the call is over. */
  clear(): void;
}

/** Starts a clock of our own over a call, since the server's statement_timeout covers one statement only. */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const controller = new AbortController();
  const end = performance.now() + timeoutMs;
  const timer = setTimeout(() => {
    controller.abort(
      new PlatformError('TIMEOUT', `The call took longer than ${timeoutMs} ms and was cancelled.`, {
        hint: 'Ask for less at once, or raise statement_timeout in the limits of the persona.',
        details: { timeout_ms: timeoutMs },
      }),
    );
  }, timeoutMs);
  const leave = () => controller.abort(new PlatformError('CANCELLED', 'The caller withdrew the call.'));
  if (caller.aborted) leave();
  else caller.addEventListener('abort', leave, { once: true });
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(0, end - performance.now()),
    clear: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', leave);
    },
  };
}
