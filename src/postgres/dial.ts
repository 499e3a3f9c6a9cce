import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { HostAddress } from './target.ts';
import type { TlsChoice } from './tls.ts';

/** The way to one server, such that a cancel request reaches the very server that a connection was made to. */
export interface Endpoint extends HostAddress {
  /** The IP address that the name was resolved to; undefined before that, and for Unix sockets. */
  readonly address?: string | undefined;
  /** undefined: not encrypted. */
  readonly tls?: TlsChoice | undefined;
}

/** The server does not offer TLS, or the handshake failed; `cause` is Node's error of the handshake. */
export class TlsFailure extends Error {
  override readonly name = 'TlsFailure';
}

/** After this long the next address of a name that has several is tried. */
const NEXT_ADDRESS_MS = 1000;
const KEEP_ALIVE_MS = 30_000;

/**
 * Opens a socket, encrypted if the endpoint says so, over which nothing has been said yet. Rejects with the signal's
 * reason, a TlsFailure or Node's own error. The socket has a listener for errors, so that a late one does no harm.
 */
export async function dial(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connectSocket(socketOptions(endpoint));
  try {
    await nextEvent(socket, 'connect', signal);
    return endpoint.tls === undefined ? socket : await encrypt(socket, endpoint.tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

export function isSocketDirectory(host: string): boolean {
  return host.startsWith('/');
}

function socketOptions({ host, port, address }: Endpoint) {
  if (isSocketDirectory(host)) return { path: `${host}/.s.PGSQL.${port}` };
  return {
    host: address ?? host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  };
}

async function encrypt(socket: Socket, { negotiation, options }: TlsChoice, signal: AbortSignal): Promise<TLSSocket> {
  if (negotiation === 'postgres') await askForTls(socket, signal);
  const secure = connectTls({ ...options, ...(negotiation === 'direct' && { ALPNProtocols: [ALPN] }), socket });
  try {
    await nextEvent(secure, 'secureConnect', signal);
  } catch (error) {
    secure.destroy();
    if (signal.aborted) throw error;
    throw new TlsFailure('the TLS handshake failed', { cause: error });
  }
  if (negotiation === 'direct' && secure.alpnProtocol !== ALPN) {
    secure.destroy();
    throw new TlsFailure('the server does not take TLS at once');
  }
  return secure;
}

/** https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ALPN = 'postgresql';

/** More than one byte of answer was not sent by the server: CVE-2021-23222. */
async function askForTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(SSL_REQUEST);
  const answer = String(await nextEvent(socket, 'data', signal));
  if (answer === 'S') return;
  throw new TlsFailure(
    answer === 'N' ? 'the server does not offer TLS' : 'the server answered the wish for TLS with an error',
  );
}

/** Resolves with the argument of the event; rejects when the socket fails or closes before it, or the signal aborts. */
function nextEvent(socket: Socket, event: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onClose = () => settle(() => reject(Object.assign(new Error('socket closed'), { code: 'ECONNRESET' })));
    const onAbort = () => {
      settle(() => reject(signal.reason as Error));
      socket.destroy();
    };
    // Stays, since an error that nobody listens to would end the process.
    socket.on('error', (error) => settle(() => reject(error)));
    socket.once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, (value: unknown) => settle(() => resolve(value)));
  });
}
