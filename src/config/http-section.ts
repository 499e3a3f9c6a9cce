import { isIP } from 'node:net';
import { z } from 'zod';
import { compileNetworks } from '../core/networks.ts';

/** `host:port`; an IPv6 address stands in brackets, and port 0 is any that is free. */
const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/** Where a listener listens. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The parts of a text that `Listen` has accepted. */
export function parseListen(text: string): ListenAddress {
  const [, v6, name, port] = LISTEN.exec(text) ?? [];
  return { host: v6 ?? name ?? '', port: Number(port) };
}

/** Whether only this machine can reach what listens there. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export const Listen = z.string().refine((text) => LISTEN.test(text) && parseListen(text).port <= 65_535, {
  error: 'is not an address to listen on; write 127.0.0.1:7432 or [::1]:7432',
});

const Network = z.string().refine(isNetwork, { error: 'is no network; write 10.0.0.0/8, an address or fd00::/8' });

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

const ProxyNetwork = Network.refine((text) => !isNetwork(text) || !coversFamily(text), {
  error: 'names everyone, so that each caller could choose its own address; write the network of the proxies',
});

/** Whether all addresses of IPv4 or of IPv6 lie in it: its first and its last do. */
function coversFamily(network: string): boolean {
  const isIn = compileNetworks([network]);
  return (isIn('0.0.0.0') && isIn('255.255.255.255')) || (isIn('::') && isIn(`${'ffff:'.repeat(7)}ffff`));
}

/** IP networks in CIDR notation, or single addresses. */
export const Networks = z.array(Network);

const Host = z
  .string()
  .regex(
    /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/,
    'is no host; write mcp.example.org or mcp.example.org:8443',
  );
const Origin = z
  .string()
  .regex(
    /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$|^https?:\/\/\[[0-9a-f:.]+\](:\d{1,5})?$/,
    'is no origin; write https://app.example.org',
  );
const PublicUrl = z
  .string()
  .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*[^/?#\s])?$/, 'is no base address; write https://mcp.example.org');

/** `filePath` is the schema of a path in the configuration. */
export function httpSection(filePath: z.ZodString) {
  return z
    .strictObject({
      listen: Listen.default('127.0.0.1:7432').describe(
        'Address and port of the HTTP listener; port 0 is any free one.',
      ),
      public_url: PublicUrl.optional().describe(
        'Address by which clients reach it, where that differs; its host is allowed too.',
      ),
      tls: z
        .strictObject({
          cert: filePath.describe('File with the certificate and the chain that leads to it.'),
          key: filePath.describe('File with its key; only its owner may read it.'),
        })
        .optional()
        .describe('Serve HTTPS.'),
      trusted_proxies: z
        .array(ProxyNetwork)
        .default([])
        .describe('Networks of proxies whose X-Forwarded-For names the caller; no one else is believed.'),
      allowed_hosts: z
        .array(Host)
        .default([])
        .describe('Values of the Host header that are served beside those of loopback and of public_url.'),
      allowed_origins: z
        .array(Origin)
        .default([])
        .describe('Origins of web pages that may call beside the own one; they get CORS headers.'),
      requests_per_minute: z
        .int()
        .min(1)
        .default(6000)
        .describe('Requests that one address may send in a minute, before anyone looks at who is calling.'),
    })
    .refine(
      ({ listen, tls, trusted_proxies }) => isLoopback(parseListen(listen)) || tls || trusted_proxies.length > 0,
      {
        error:
          'listens beyond this machine without encryption; set http.tls, or http.trusted_proxies if a proxy encrypts',
        path: ['listen'],
      },
    );
}
