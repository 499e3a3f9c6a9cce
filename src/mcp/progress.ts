import type { ServerContext } from '@modelcontextprotocol/server';
import type { CallRequest } from '../calls/execute.ts';

/**
 * Passes progress on to a caller that gave a token for it, and only what is more than before; undefined for all others.
 */
export function progressTo({ mcpReq }: ServerContext): CallRequest['onProgress'] {
  const { _meta: { progressToken } = {} } = mcpReq;
  if (typeof progressToken !== 'string' && !Number.isSafeInteger(progressToken)) return undefined;
  let last = -Infinity;
  return (message, progress, total) => {
    if (!(progress > last) || mcpReq.signal.aborted) return;
    last = progress;
    const params = { progressToken, progress, message, ...(total !== undefined && { total }) };
    // whoever cannot be told has gone, which its signal says too
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
