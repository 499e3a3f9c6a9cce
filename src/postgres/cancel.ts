import type { Socket } from 'node:net';
import type { CancelKey } from './authenticate.ts';
import { dial, type Endpoint } from './dial.ts';

const TIME_LIMIT_MS = 2000;
const CANCEL_REQUEST_CODE = 80_877_102;

/**
 * Asks the server to cancel what the session is running now. True once the server has closed the socket: by then the
 * signal was sent, so it cannot hit a statement that starts later. False when that is not known.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function requestCancel(endpoint: Endpoint, { processId, secretKey }: CancelKey): Promise<boolean> {
  const limit = AbortSignal.timeout(TIME_LIMIT_MS);
  const request = Buffer.alloc(16);
  for (const [i, value] of [request.length, CANCEL_REQUEST_CODE, processId, secretKey].entries()) {
    request.writeInt32BE(value, 4 * i);
  }
  try {
    const socket = await dial(endpoint, limit);
    return await sendAndWaitForEnd(socket, request, limit);
  } catch {
    return false;
  }
}

function sendAndWaitForEnd(socket: Socket, request: Buffer, limit: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (ended: boolean) => {
      socket.destroy();
      resolve(ended);
    };
    socket.once('end', () => finish(true));
    socket.once('close', () => finish(false)); // broken off: the request may still be on its way
    limit.addEventListener('abort', () => finish(false), { once: true });
    socket.resume();
    socket.write(request);
  });
}
