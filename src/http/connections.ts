import type { Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** The connections of a server, and what is under way on each. */
export interface Connections {
  /**
   * Gives how many requests of the connection wait for their answer now, this one among them. `onGone` is called when
   * the connection closes before `end`; node tells only the response that was being written.
   */
  begin(socket: Socket, response: ServerResponse, onGone: () => void): number;
  end(socket: Socket, response: ServerResponse): void;
  /** Whether an error can still be written to the connection: nothing of an answer has been. */
  isUnanswered(socket: Socket): boolean;
  /** Takes no request of the connection after this one; false when one was taken already and is still to be answered. */
  endAfter(socket: Socket, response: ServerResponse): boolean;
  /** Whether a request of the connection can still be answered. */
  takesRequests(socket: Socket): boolean;
  count(): number;
  /**
   * Closes those on which no request has been under way or arriving for `idleMs`. What crosses on the wire is read for up
   * to `lingerMs` and thrown away: unread, it would reset the connection, and with it an answer that its client still reads.
   */
  closeIdle(idleMs: number, lingerMs: number): void;
  closeAll(): void;
}

/** From this part of `maxConnections` on, a new one takes the place of the one that has been idle longest. */
const FULL = 0.9;

export function trackConnections(server: Server): Connections {
  /** Of TCP; those of TLS stand on them. */
  const sockets = new Set<Socket>();
  const underWay = new Map<Socket, Map<ServerResponse, () => void>>();
  /** Those on which no request is under way, the longest idle first, and since when. */
  const idle = new Map<Socket, number>();
  const ending = new WeakSet<Socket>();

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // whoever holds many and uses few keeps nobody out
    if (sockets.size > FULL * server.maxConnections) closeLongestIdle();
  });
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    idle.set(socket, performance.now());
    socket.once('close', () => idle.delete(socket));
  });

  function closeLongestIdle(): void {
    for (const socket of idle.keys()) {
      idle.delete(socket);
      socket.destroy();
      return;
    }
  }

  function responsesOf(socket: Socket): Map<ServerResponse, () => void> {
    const known = underWay.get(socket);
    if (known) return known;
    const responses = new Map<ServerResponse, () => void>();
    underWay.set(socket, responses);
    socket.once('close', () => {
      underWay.delete(socket);
      for (const onGone of responses.values()) onGone();
    });
    return responses;
  }

  return {
    begin(socket, response, onGone) {
      const responses = responsesOf(socket);
      responses.set(response, onGone);
      idle.delete(socket);
      return responses.size;
    },
    end(socket, response) {
      const responses = underWay.get(socket);
      responses?.delete(response);
      if (responses?.size === 0 && !socket.destroyed) idle.set(socket, performance.now());
    },
    isUnanswered(socket) {
      const [first, second] = underWay.get(socket)?.keys() ?? [];
      return socket.writable && second === undefined && first?.headersSent !== true;
    },
    endAfter(socket, response) {
      const isNewest = [...(underWay.get(socket)?.keys() ?? [])].at(-1) === response;
      if (isNewest) ending.add(socket);
      return isNewest;
    },
    takesRequests: (socket) => socket.writable && !ending.has(socket),
    count: () => sockets.size,
    closeIdle(idleMs, lingerMs) {
      const quiet = findQuiet(server, [...idle.keys(), ...underWay.keys()]);
      const before = performance.now() - idleMs;
      for (const [socket, since] of idle) {
        // not idle to node: the first request is awaited
        if (since <= before && (quiet.has(socket) || socket.bytesRead === 0)) closeSlowly(socket, lingerMs);
      }
      // of TLS, before its handshake
      for (const socket of sockets) if (socket.bytesRead === 0) closeSlowly(socket, lingerMs);
    },
    closeAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Those on which nothing is arriving: node:http alone knows, and tells it only by destroying them. */
function findQuiet(server: Server, sockets: readonly Socket[]): ReadonlySet<Socket> {
  const quiet = new Set<Socket>();
  for (const socket of sockets) socket.destroy = () => (quiet.add(socket), socket);
  server.closeIdleConnections();
  for (const socket of sockets) Reflect.deleteProperty(socket, 'destroy');
  return quiet;
}

function closeSlowly(socket: Socket, lingerMs: number): void {
  if (socket.writableEnded) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}
