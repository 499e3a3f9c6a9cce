import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';

/** `none`: no page sends it, or an own one. `listed`: a page that gets CORS headers. */
export type OriginVerdict = 'none' | 'listed' | 'refused';

/** Which page a request comes from, and whether it may. The host has been found to be ours. */
export function createOriginRule({
  public_url: publicUrl,
  allowed_origins: allowedOrigins,
  tls,
}: Pick<Config['http'], 'public_url' | 'allowed_origins' | 'tls'>): (request: IncomingMessage) => OriginVerdict {
  const listed = new Set(allowedOrigins);
  const publicOrigin = publicUrl === undefined ? undefined : new URL(publicUrl).origin;
  const scheme = tls === undefined ? 'http' : 'https';
  return ({ headers: { origin, host } }) => {
    if (origin === undefined || origin === publicOrigin) return 'none';
    if (listed.has(origin)) return 'listed';
    return origin === `${scheme}://${host?.toLowerCase()}` ? 'none' : 'refused';
  };
}
