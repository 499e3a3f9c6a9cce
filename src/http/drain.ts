import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Connections } from './connections.ts';
import type { HttpLimits } from './limits.ts';

const LOOK_AGAIN_MS = 50;

/** A listener that takes no more connections. */
export interface ClosedListener {
  /** Resolves when its last connection has ended. */
  readonly ended: Promise<void>;
}

/**
 * Closes the listener once nobody waits to be accepted. Requests must not be answered meanwhile: their clients would
 * come again, and the last of them would be reset.
 */
export async function closeListener(server: Server): Promise<ClosedListener> {
  await acceptWaiting(server);
  // that of node:http destroys idle connections in the same instant, with what is on its way to them
  const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  // ends its timers, which bound what arrives until then
  return { ended: ended.then(() => void server.close(() => undefined)) };
}

/**
 * Closes each connection when it has been idle for `limits.drainIdleMs`: a client may be writing on it, and its answer
 * tells it that the connection ends. Resolves when there are none, after `limits.drainMs` by force.
 */
export async function drainConnections(
  server: ClosedListener,
  connections: Connections,
  limits: Pick<HttpLimits, 'drainMs' | 'drainIdleMs' | 'drainLingerMs'>,
): Promise<void> {
  const force = setTimeout(() => connections.closeAll(), limits.drainMs);
  const started = performance.now();
  const closeIdle = () => {
    const idleMs = performance.now() - started;
    if (idleMs >= limits.drainIdleMs) connections.closeIdle(limits.drainIdleMs, limits.drainLingerMs);
  };
  // between a timer and an immediate the loop reads all that has come, however late the timer is
  const look = setInterval(() => setImmediate(closeIdle), LOOK_AGAIN_MS);
  await server.ended;
  clearInterval(look);
  clearTimeout(force);
}

/** So many turns of the loop without a new connection say that none waits: each turn accepts one. */
const QUIET_TURNS = 3;
/** A flood does not keep the listener open. */
const MOST_MS = 100;

/** What waits to be accepted when a listener is closed is reset by the system. */
async function acceptWaiting(server: Server): Promise<void> {
  let quiet = 0;
  const onConnection = () => {
    quiet = 0;
  };
  server.on('connection', onConnection);
  for (const end = performance.now() + MOST_MS; quiet < QUIET_TURNS && performance.now() < end;) {
    quiet++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  server.off('connection', onConnection);
}
