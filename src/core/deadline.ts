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

/**
 * Starts a clock of our own over a call, since the server's statement_timeout covers one statement only. Its signal and
 * timer are made when somebody asks for the signal: what touches no server needs neither.
 */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const end = performance.now() + timeoutMs;
  const remainingMs = () => Math.max(0, end - performance.now());
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let cleared = false;

  const leave = () => controller?.abort(new PlatformError('CANCELLED', 'The caller withdrew the call.'));
  const expire = () => controller?.abort(tooLong(timeoutMs));

  function watch(): AbortController {
    controller = new AbortController();
    if (cleared) return controller;
    if (caller.aborted) leave();
    else if (remainingMs() === 0) expire();
    else {
      caller.addEventListener('abort', leave, { once: true });
      timer = setTimeout(expire, Math.floor(remainingMs())); // never behind the limit that the server is given
    }
    return controller;
  }

  return {
    get signal() {
      return (controller ?? watch()).signal;
    },
    remainingMs,
    clear: () => {
      cleared = true;
      clearTimeout(timer);
      if (controller) caller.removeEventListener('abort', leave);
    },
  };
}

function tooLong(timeoutMs: number): PlatformError {
  return new PlatformError('TIMEOUT', `The call took longer than ${timeoutMs} ms and was cancelled.`, {
    hint: 'Ask for less at once, or raise statement_timeout in the limits of the persona.',
    details: { timeout_ms: timeoutMs },
  });
}
