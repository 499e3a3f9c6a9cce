import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './connections.ts';
import type { HttpLimits } from './limits.ts';

const LOOK_AGAIN_MS = 50;

/**
 * Closes the listener at once and the connections as they become idle. Resolves when there are none, after
 * `limits.drainMs` by force.
 */
export async function drainConnections(
  server: Server,
  connections: Connections,
  limits: Pick<HttpLimits, 'drainMs' | 'drainIdleMs'>,
): Promise<void> {
  const closed = closeListener(server);
  const force = setTimeout(() => connections.closeAll(), limits.drainMs);
  // a client may be writing on a connection that is idle here; its answer tells it that the connection ends
  await Promise.race([closed, sleep(limits.drainIdleMs, undefined, { ref: false })]);
  const look = setInterval(() => connections.closeIdle(), LOOK_AGAIN_MS);
  await closed;
  clearInterval(look);
  clearTimeout(force);
}

/** `close` of node:http closes idle connections in the same instant, with what is on its way to them. */
async function closeListener(server: Server): Promise<void> {
  // what waits to be accepted is accepted before the next turn
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  // ends its timers
  server.close(() => undefined);
}
