import { PlatformError } from './errors.ts';

/** What to do about a call that took too long. */
export const TOO_LONG_HINT =
  'Ask for less at once or with a higher timeout_s, within statement_timeout in the limits of the persona.';

/** How long a call may still take, and why it should stop before that. */
export interface Deadline {
  /** Aborts with a PlatformError as its reason: TIMEOUT at the deadline, CANCELLED when the caller has gone. */
  readonly signal: AbortSignal;
  /** Milliseconds left, never below zero. */
  remainingMs(): number;
  /** Ends the call at once, for another reason than time or its caller; the first reason stays. */
  end(reason: PlatformError): void;
  /** Stops the clock. Must be called when the call is over. */
  clear(): void;
}

/**
 * Starts a clock of our own over a call, since the server's statement_timeout covers one statement only. Its signal and
 * timer are made when somebody asks for the signal: what touches no server needs neither.
 */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  return new RunningDeadline(timeoutMs, caller);
}

/**
 * A class, since V8 keeps the getter of an object literal, and all that it refers to, until the next full collection:
 * that made the process half as large again.
 */
class RunningDeadline implements Deadline {
  readonly #timeoutMs: number;
  readonly #caller: AbortSignal;
  readonly #end: number;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #cleared = false;

  constructor(timeoutMs: number, caller: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#caller = caller;
    this.#end = performance.now() + timeoutMs;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch();
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#end - performance.now());
  }

  end(reason: PlatformError): void {
    if (this.#cleared) return;
    this.#controller ??= this.#watch();
    this.#controller.abort(reason);
  }

  clear(): void {
    this.#cleared = true;
    clearTimeout(this.#timer);
    if (this.#controller) this.#caller.removeEventListener('abort', this.#leave);
  }

  #watch(): AbortController {
    const controller = new AbortController();
    if (this.#cleared) return controller;
    if (this.#caller.aborted) controller.abort(withdrawn());
    else if (this.remainingMs() === 0) controller.abort(tooLong(this.#timeoutMs));
    else {
      this.#caller.addEventListener('abort', this.#leave, { once: true });
      // never behind the limit that the server is given
      this.#timer = setTimeout(() => controller.abort(tooLong(this.#timeoutMs)), Math.floor(this.remainingMs()));
    }
    return controller;
  }

  readonly #leave = () => this.#controller?.abort(withdrawn());
}

function withdrawn(): PlatformError {
  return new PlatformError('CANCELLED', 'The caller withdrew the call.');
}

function tooLong(timeoutMs: number): PlatformError {
  return new PlatformError('TIMEOUT', `The call took longer than ${timeoutMs} ms and was cancelled.`, {
    hint: TOO_LONG_HINT,
    details: { timeout_ms: timeoutMs },
  });
}
