import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Narrowing, Principal } from '../contract/principal.ts';
import type { Config } from '../config/schema.ts';
import { compileNetworks } from '../core/networks.ts';
import { idOfApiKey } from './api-key.ts';
import type { Recognized } from './bearer.ts';

/** The keys that are in force. */
export interface ApiKeys {
  /**
   * Whom a key stands for; undefined for whatever is not a valid, unexpired key for this address. A text that is
   * refused takes the same time whether or not its id is known.
   */
  recognize(presented: string, sourceAddress: string): Recognized | undefined;
  /** The principal of a key, as `recognize` has it. */
  find(presented: string, sourceAddress: string): Principal | undefined;
  /** The principal of the unexpired key of an id, for whoever was let in by it; it proves nothing. */
  named(id: string): Principal | undefined;
}

interface Entry {
  readonly digest: Buffer;
  readonly isFrom: (address: string) => boolean;
  readonly recognized: Recognized | undefined;
}

/** Hashed in the place of a text that is no key. */
const NO_KEY = `hdh_${'0'.repeat(12)}_${'0'.repeat(43)}_${'0'.repeat(6)}`;

type Spec = Config['auth']['api_keys'][number];

export function compileApiKeys(specs: readonly Spec[], now: () => number = Date.now): ApiKeys {
  const entries = new Map(specs.map((spec, i) => [spec.id, compileEntry(spec, i)]));
  // compared with where the id is unknown: no text has this digest
  const nobody: Entry = {
    digest: randomBytes(32),
    isFrom: () => false,
    recognized: undefined,
  };
  const unexpired = ({ recognized }: Entry) =>
    recognized !== undefined && now() < recognized.expiresAtMs ? recognized : undefined;

  function recognize(presented: string, sourceAddress: string): Recognized | undefined {
    const id = idOfApiKey(presented);
    const entry = (id === undefined ? undefined : entries.get(id)) ?? nobody;
    const digest = hash('sha256', id === undefined ? NO_KEY : presented, 'buffer');
    const isRight = timingSafeEqual(digest, entry.digest);
    return isRight && entry.isFrom(sourceAddress) ? unexpired(entry) : undefined;
  }

  return {
    recognize,
    find: (presented, sourceAddress) => recognize(presented, sourceAddress)?.principal,
    named(id) {
      const entry = entries.get(id);
      return entry && unexpired(entry)?.principal;
    },
  };
}

/** What the keys leave of the rights of personas, for whoever checks the patterns. */
export function narrowingsOf(specs: readonly Spec[]): Narrowing[] {
  return specs.flatMap((spec, i) => narrowingOf(spec, i) ?? []);
}

function compileEntry(spec: Spec, index: number): Entry {
  const { expires_at: expiresAt, networks } = spec;
  return {
    digest: Buffer.from(spec.hash.slice('sha256:'.length), 'hex'),
    isFrom: networks === undefined ? () => true : compileNetworks(networks),
    recognized: {
      principal: principalOf(spec, index),
      scopes: null,
      expiresAtMs: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
    },
  };
}

/** Whom the entry `auth.api_keys[index]` stands for. */
export function principalOf(spec: Spec, index: number): Principal {
  const { id, name, roles } = spec;
  const narrowing = narrowingOf(spec, index);
  return {
    issuer: 'key',
    subject: id,
    method: 'api_key',
    client: name ?? null,
    roles: [...roles],
    ...(narrowing && { narrowing }),
  };
}

function narrowingOf({ tools, servers }: Spec, index: number): Narrowing | undefined {
  if (tools === undefined && servers === undefined) return undefined;
  return {
    path: `auth.api_keys[${index}]`,
    ...(tools && { tools: [...tools] }),
    ...(servers && { servers: [...servers] }),
  };
}
