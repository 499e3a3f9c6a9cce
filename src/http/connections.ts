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
  count(): number;
  /** Closes those on which no request is under way or arriving. */
  closeIdle(): void;
  closeAll(): void;
}

/** From this part of `maxConnections` on, a new one takes the place of the one that has been idle longest. */
const FULL = 0.9;

export function trackConnections(server: Server): Connections {
  /** Of TCP; those of TLS stand on them. */
  const sockets = new Set<Socket>();
  const underWay = new Map<Socket, Map<ServerResponse, () => void>>();
  /** Those on which no request is under way, the longest idle first. */
  const idle = new Set<Socket>();

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // whoever holds many and uses few keeps nobody out
    if (sockets.size > FULL * server.maxConnections) closeLongestIdle();
  });
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => idle.delete(socket));
  });

  function closeLongestIdle(): void {
    for (const socket of idle) {
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
      if (responses?.size === 0) idle.add(socket);
    },
    isUnanswered(socket) {
      const [first, second] = underWay.get(socket)?.keys() ?? [];
      return socket.writable && second === undefined && first?.headersSent !== true;
    },
    count: () => sockets.size,
    closeIdle() {
      server.closeIdleConnections();
      // not idle to node: their first request is awaited
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    },
    closeAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
