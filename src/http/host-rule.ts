import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';
import { countHeader } from './raw-headers.ts';

/** With any port: a page that rebinds its own name to this machine sends that name. */
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** Whether the Host of a request is one of ours; what names another host did not mean us. */
export function createHostRule({
  public_url: publicUrl,
  allowed_hosts: allowedHosts,
}: Pick<Config['http'], 'public_url' | 'allowed_hosts'>): (request: IncomingMessage) => boolean {
  const allowed = new Set([...allowedHosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).host])]);
  return (request) => {
    const host = request.headers.host?.toLowerCase();
    if (host === undefined || countHeader(request, 'host') !== 1) return false;
    return LOOPBACK.test(host) || allowed.has(host);
  };
}
