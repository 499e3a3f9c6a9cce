import type { CallRequest } from '../calls/execute.ts';

/** The parameters of `notifications/progress`. */
export interface ProgressParams extends Record<string, unknown> {
  readonly progressToken: string | number;
  readonly progress: number;
  readonly message: string;
  readonly total?: number;
}

/**
 * Passes progress on to a caller that gave a token for it, and only what is more than before; undefined for all others.
 */
export function progressTo(token: unknown, notify: (params: ProgressParams) => void): CallRequest['onProgress'] {
  const progressToken = typeof token === 'number' && !Number.isSafeInteger(token) ? undefined : token;
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return undefined;
  let last = -Infinity;
  return (message, progress, total) => {
    if (!(progress > last)) return;
    last = progress;
    notify({ progressToken, progress, message, ...(total !== undefined && { total }) });
  };
}
