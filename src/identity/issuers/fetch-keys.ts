import type { JSONWebKeySet } from 'jose';
import { isSecureUrl } from '../../config/oidc-section.ts';
import { isRecord } from '../../core/record.ts';

const ANSWER_MS = 5000;
/** Many times what an issuer has to say. */
const MOST_BYTES = 262_144;
const MOST_KEYS = 100;

/** Where an issuer is asked for its keys. */
export interface KeySource {
  readonly issuer: string;
  readonly jwks_uri?: string | undefined;
}

/** The public keys that an issuer signs with now. Rejects with the reason, for the log. */
export type FetchKeys = (source: KeySource) => Promise<JSONWebKeySet>;

export const fetchKeys: FetchKeys = async ({ issuer, jwks_uri: known }) => {
  const address = known ?? (await findKeyAddress(issuer));
  const { keys } = await fetchJson(address);
  if (!Array.isArray(keys) || !keys.every(isRecord)) throw new Error(`${address} has no list of keys`);
  if (keys.length > MOST_KEYS) throw new Error(`${address} has more than ${MOST_KEYS} keys`);
  return { keys };
};

/** Of the metadata of the issuer, in the places where clients look for it. */
async function findKeyAddress(issuer: string): Promise<string> {
  const failures: string[] = [];
  for (const address of metadataAddresses(issuer)) {
    try {
      return readKeyAddress(issuer, address, await fetchJson(address));
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(failures.join('; '));
}

/** OpenID Connect Discovery §4, then RFC 8414 §3. */
export function metadataAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** Metadata that is another issuer's must not be used (RFC 8414 §3.3), nor keys that somebody could have changed. */
function readKeyAddress(issuer: string, address: string, metadata: Readonly<Record<string, unknown>>): string {
  const { issuer: named, jwks_uri: keys } = metadata;
  if (named !== issuer) throw new Error(`${address} is of another issuer, ${String(named).slice(0, 200)}`);
  if (typeof keys !== 'string' || !isSecureUrl(keys)) throw new Error(`${address} names no jwks_uri under https://`);
  return keys;
}

/** A redirect is not followed: what is trusted is the address that was configured. */
async function fetchJson(address: string): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await fetch(address, { redirect: 'error', signal, headers: { accept: 'application/json' } });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`it answers ${response.status}`);
    }
    const value: unknown = JSON.parse(await readText(response));
    if (!isRecord(value)) throw new Error('it answers no JSON object');
    return value;
  } catch (error) {
    throw new Error(`${address}: ${describe(error)}`, { cause: error });
  }
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) throw new Error(`it answers more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What fetch fails with says little; its cause does. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
