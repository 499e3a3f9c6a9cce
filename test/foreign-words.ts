import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const ERROR_RESPONSE = 'E'.charCodeAt(0);

/** What the words of every error become; the SQLSTATE stays. */
const WORDS: Readonly<Record<string, string>> = {
  S: 'FEHLER',
  M: 'ein Fehler, für den es hier nur deutsche Wörter gibt',
};

/**
 * The way to a PostgreSQL of another lc_messages, whose translations test servers lack: passes everything on but the
 * words of errors. https://www.postgresql.org/docs/current/protocol-error-fields.html
 */
export async function startForeignWords(port: number): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) sockets.add(socket.on('error', () => undefined));
    client.pipe(server);
    let rest: Buffer = Buffer.alloc(0);
    server.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = endOfMessage(rest); end <= rest.length; end = endOfMessage(rest)) {
        client.write(translate(rest.subarray(0, end)));
        rest = rest.subarray(end);
      }
    });
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

function endOfMessage(bytes: Buffer): number {
  return bytes.length < 5 ? Infinity : 1 + bytes.readInt32BE(1);
}

function translate(message: Buffer): Buffer {
  if (message[0] !== ERROR_RESPONSE) return message;
  const fields = message.toString('utf8', 5, message.length - 2).split('\0');
  const translated = fields.map((field) => `${field.charAt(0)}${WORDS[field.charAt(0)] ?? field.slice(1)}\0`);
  const body = Buffer.from(`${translated.join('')}\0`);
  const head = Buffer.alloc(5, ERROR_RESPONSE);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
