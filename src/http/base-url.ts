import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/schema.ts';

/** The address by which a client reaches the server, without a slash at the end. The host has been found to be ours. */
export type BaseUrl = (request: IncomingMessage) => string;

export function createBaseUrl({ public_url: publicUrl, tls }: Pick<Config['http'], 'public_url' | 'tls'>): BaseUrl {
  if (publicUrl !== undefined) return () => publicUrl;
  const scheme = tls === undefined ? 'http' : 'https';
  return ({ headers: { host } }) => `${scheme}://${host?.toLowerCase()}`;
}
