/** A small issuer of tokens: real keys, real HTTP, and as little honesty as a test asks for. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose';
import { afterEach } from 'vitest';

export interface Issuer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Answers `status` to everything until it is called with 200. */
  fail(status: number): void;
  /** In place of what it says of itself. */
  readonly metadata: Record<string, unknown>;
  /** What it serves as its keys. */
  readonly keys: JWK[];
  /** Makes a key and serves it under `kid`, in place of those before it where `alone`. */
  addKey(kid: string, options?: { readonly alg?: string; readonly alone?: boolean }): Promise<CryptoKey>;
  /** A token of a minute for `/mcp`, signed with the first key; undefined claims are left out. */
  sign(claims?: Record<string, unknown>, options?: SignOptions): Promise<string>;
  close(): Promise<void>;
}

export interface SignOptions {
  readonly header?: Partial<JWTHeaderParameters> | undefined;
  readonly key?: CryptoKey;
}

export const AUDIENCE = 'https://howdah.example.org/mcp';

export async function openIssuer(path = '/realms/acme'): Promise<Issuer> {
  const asked: string[] = [];
  const keys: JWK[] = [];
  let status = 200;
  let first: { readonly kid: string; readonly alg: string; readonly key: CryptoKey } | undefined;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(request.url ?? '');
    const documents: Record<string, unknown> = {
      [`${path}/.well-known/openid-configuration`]: metadata,
      '/jwks': { keys },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document ? status : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}${path}`;
  const metadata: Record<string, unknown> = { issuer: url, jwks_uri: `${origin}/jwks` };

  async function addKey(kid: string, { alg = 'ES256', alone = false } = {}): Promise<CryptoKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    if (alone) keys.length = 0;
    keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
    if (alone || !first) first = { kid, alg, key: privateKey };
    return privateKey;
  }
  await addKey('first');

  return {
    url,
    asked,
    metadata,
    keys,
    addKey,
    fail: (next) => {
      status = next;
    },
    sign(claims = {}, { header, key } = {}) {
      if (!first) throw new Error('no key');
      const now = Math.floor(Date.now() / 1000);
      const all: Record<string, unknown> = {
        iss: url,
        aud: AUDIENCE,
        sub: 'ada',
        iat: now,
        exp: now + 60,
        roles: ['howdah-dba'],
        ...claims,
      };
      const { alg, kid } = first;
      return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
        .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
        .sign(key ?? first.key);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Opens issuers that are closed after the test. */
export function useIssuers(): (path?: string) => Promise<Issuer> {
  let issuers: Issuer[] = [];
  afterEach(async () => {
    await Promise.all(issuers.map((issuer) => issuer.close()));
    issuers = [];
  });
  return async (path) => {
    const issuer = await openIssuer(path);
    issuers.push(issuer);
    return issuer;
  };
}
