import { createServer } from 'node:net';
import { PlatformError } from '../../core/errors.ts';

const USUAL_PORT = 7432;
const HOST = '127.0.0.1';

/** Where the demo listens: the port that is asked for, else the usual one, else, where that is taken, any free one. Fails with CONFIG_INVALID. */
export async function chooseListen(port: number | undefined, note: (line: string) => void): Promise<string> {
  if (port !== undefined && port !== 0 && !(await isFree(port))) {
    throw new PlatformError('CONFIG_INVALID', `Port ${port} of ${HOST} is taken.`, {
      hint: 'Stop what listens there, or choose another one: --port 0 is any free one.',
    });
  }
  if (port !== undefined) return `${HOST}:${port}`;
  if (await isFree(USUAL_PORT)) return `${HOST}:${USUAL_PORT}`;
  note(`Port ${USUAL_PORT} is taken, so the demo listens on another one; --port chooses it.`);
  return `${HOST}:0`;
}

/** Fails with INVALID_INPUT. */
export function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new PlatformError('INVALID_INPUT', `${JSON.stringify(text)} is not a port.`, {
    hint: 'Give a number from 1 to 65535, or 0 for any free one.',
  });
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
