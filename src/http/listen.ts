import type { AddressInfo, Server } from 'node:net';
import { parseListen } from '../config/http-section.ts';
import { PlatformError } from '../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be used by this user; ports below 1024 often need a right of their own',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no name that can be resolved',
};

/**
 * Listens at `address`, the value of the configuration key `key`, and gives the address for a URL: host and port, with
 * loopback in the place of a wildcard. Fails with CONFIG_INVALID.
 */
export async function listen(server: Server, key: string, address: string): Promise<string> {
  const { host, port } = parseListen(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((error: NodeJS.ErrnoException) => {
    const reason = REASONS[error.code ?? ''] ?? 'cannot be listened on';
    throw new PlatformError('CONFIG_INVALID', `${key}: ${address} ${reason}.`, {
      hint: `Stop what uses it, or set ${key} to another address; port 0 is any free one.`,
      cause: error,
    });
  });
  return `${urlHost(host)}:${(server.address() as AddressInfo).port}`;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
