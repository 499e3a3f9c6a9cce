import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.ts';
import { REFUSALS, type RefusalReason } from './refusal.ts';
import type { Refusals } from './refusals.ts';

/** For so long what the client still sends is thrown away: closing at once could lose the answer on its way. */
const LINGER_MS = 1000;

/** The answer to what node could not read as a request, or did not get in time. */
export function createClientErrorHandler(connections: Connections, refusals: Refusals) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    const reason = reasonOf(error.code ?? '');
    // what comes after the first error of a connection says nothing new
    if (socket.writableEnded || socket.destroyed) return;
    if (reason === undefined) {
      socket.destroy();
      return;
    }
    refusals.add({ reason, address: socket.remoteAddress ?? '' });
    if (!connections.isUnanswered(socket)) {
      socket.destroy();
      return;
    }
    const { status } = REFUSALS[reason];
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  };
}

/** undefined: the client has gone. */
function reasonOf(code: string): RefusalReason | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'too_slow';
  return code.startsWith('HPE_') ? 'malformed' : undefined;
}
