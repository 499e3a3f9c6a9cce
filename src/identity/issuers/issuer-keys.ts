import type { CryptoKey, JWK, JWSHeaderParameters } from 'jose';
import type { Logger } from '../../telemetry/logger.ts';
import type { FetchKeys, KeySource } from './fetch-keys.ts';
import { loadJose } from './jose.ts';

/** Older keys are asked for again while they go on to count. */
const FRESH_MS = 600_000;
/** Keys count for so long while their issuer is down. */
const STALE_MS = 86_400_000;
/** Whoever makes up ids of keys has the issuer asked no more often than this. */
const COOLDOWN_MS = 30_000;
/** The same for an issuer that did not answer. */
const RETRY_MS = 5000;
const KEYS_REMEMBERED = 1000;

/** What a token is verified with. */
export type FoundKey =
  | { readonly key: CryptoKey; readonly generation: object }
  | { readonly unknown: true }
  | { readonly unavailableS: number };

/** The keys of an issuer, kept while it is down. */
export interface IssuerKeys {
  /** Asks the issuer where that may help and was not done just before; never rejects. */
  find(header: JWSHeaderParameters): Promise<FoundKey>;
  /** Another object when a key is gone: what was verified before has to be verified again. Undefined without keys. */
  generation(): object | undefined;
  /** Seconds after which to ask again, while there are no keys that count. */
  retryAfterS(): number;
  /** Asks the issuer, unless that was done just before. Never rejects. */
  refresh(): Promise<void>;
}

interface KeySet {
  readonly resolve: (header: JWSHeaderParameters) => Promise<CryptoKey>;
  readonly ids: ReadonlySet<string>;
  readonly thumbprints: ReadonlySet<string>;
  readonly generation: object;
  readonly atMs: number;
}

export interface IssuerKeysParts {
  readonly source: KeySource;
  readonly fetchKeys: FetchKeys;
  readonly logger: Logger;
  readonly now?: (() => number) | undefined;
}

export function createIssuerKeys({ source, fetchKeys, logger, now = Date.now }: IssuerKeysParts): IssuerKeys {
  const { issuer } = source;
  const knownAs = new Map<string, string>();
  let set: KeySet | undefined;
  let asking: Promise<void> | undefined;
  let askedAtMs = -Infinity;
  let hasFailed = false;

  const isUsable = () => set !== undefined && now() - set.atMs < STALE_MS;
  const waitMs = () => askedAtMs + (hasFailed ? RETRY_MS : COOLDOWN_MS) - now();
  const retryAfterS = () => Math.max(1, Math.ceil(waitMs() / 1000));

  async function ask(): Promise<void> {
    askedAtMs = now();
    try {
      const { keys } = await fetchKeys(source);
      set = await takeOver(keys, set, { knownAs, atMs: now(), warn });
      if (hasFailed) logger.warn({ issuer }, 'the keys of the issuer are known again');
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      const message = set ? 'the issuer does not answer; the keys known of it go on to count' : NO_KEYS;
      logger.warn({ issuer, err: error }, message);
    }
  }

  function warn(kid: string): void {
    logger.error(
      { issuer, kid },
      'the issuer has another key under the id of an old one, which is not taken; restart Howdah if that is meant',
    );
  }

  function refresh(): Promise<void> {
    if (asking) return asking;
    if (waitMs() > 0) return Promise.resolve();
    asking = ask().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  async function resolve(header: JWSHeaderParameters): Promise<FoundKey | undefined> {
    if (!set || !isUsable()) return undefined;
    const { generation } = set;
    try {
      return { key: await set.resolve(header), generation };
    } catch (error) {
      const { errors } = await loadJose();
      if (!(error instanceof errors.JOSEError))
        logger.warn({ issuer, err: error }, 'a key of the issuer cannot be used');
      return undefined;
    }
  }

  return {
    refresh,
    retryAfterS,
    generation() {
      if (!set || !isUsable()) return undefined;
      if (now() - set.atMs >= FRESH_MS) void refresh();
      return set.generation;
    },
    async find(header) {
      if (set && now() - set.atMs >= FRESH_MS) void refresh();
      const found = await resolve(header);
      if (found) return found;
      const isKnown = isUsable() && header.kid !== undefined && set?.ids.has(header.kid) === true;
      if (isKnown) return { unknown: true };
      await refresh();
      const later = await resolve(header);
      if (later) return later;
      return isUsable() && !hasFailed ? { unknown: true } : { unavailableS: retryAfterS() };
    },
  };
}

const NO_KEYS = 'the keys of the issuer are not known yet; its tokens are answered 503 until they are';

interface TakeOver {
  /** Thumbprints by key id, of all keys that there ever were. */
  readonly knownAs: Map<string, string>;
  readonly atMs: number;
  readonly warn: (kid: string) => void;
}

/** An id stands for one key for good: whoever can swap a key behind an id could sign as the issuer. */
async function takeOver(keys: readonly JWK[], before: KeySet | undefined, parts: TakeOver): Promise<KeySet> {
  const { createLocalJWKSet } = await loadJose();
  const taken: JWK[] = [];
  const thumbprints = new Set<string>();
  for (const key of keys) {
    const thumbprint = await thumbprintOf(key);
    if (thumbprint === undefined) continue;
    if (key.kid !== undefined && !isTheOneKnown(`${key.kty} ${key.kid}`, thumbprint, parts)) continue;
    thumbprints.add(thumbprint);
    taken.push(key);
  }
  const isAllThere = before !== undefined && [...before.thumbprints].every((known) => thumbprints.has(known));
  return {
    resolve: createLocalJWKSet({ keys: taken }),
    ids: new Set(taken.flatMap(({ kid }) => kid ?? [])),
    thumbprints,
    generation: isAllThere ? before.generation : {},
    atMs: parts.atMs,
  };
}

function isTheOneKnown(id: string, thumbprint: string, { knownAs, warn }: TakeOver): boolean {
  const known = knownAs.get(id);
  if (known !== undefined && known !== thumbprint) {
    warn(id);
    return false;
  }
  if (known === undefined && knownAs.size < KEYS_REMEMBERED) knownAs.set(id, thumbprint);
  return true;
}

/** Undefined for a key of a kind that is not known, and for a secret one, with which no token is verified. */
async function thumbprintOf(key: JWK): Promise<string | undefined> {
  if (key.kty === 'oct') return undefined;
  const { calculateJwkThumbprint } = await loadJose();
  try {
    return await calculateJwkThumbprint(key);
  } catch {
    return undefined;
  }
}
