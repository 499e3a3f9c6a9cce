import { explicitRoles } from '../../config/oidc-checks.ts';
import { BUILT_IN_PERSONAS, type Config } from '../../config/schema.ts';
import type { Principal } from '../../contract/principal.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { UNRECOGNIZED, type Recognition, type Recognizer } from '../bearer.ts';
import { createCheckBudget } from './check-budget.ts';
import type { IssuerSpec } from './claims.ts';
import { fetchKeys, type FetchKeys } from './fetch-keys.ts';
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.ts';
import { createIssuer, WRONG_SIGNATURE, type Issuer, type OnRefused } from './issuer.ts';
import { readJwt } from './jwt.ts';
import { createTokenCache, digestOf } from './token-cache.ts';

/** A line of the log for an issuer and reason; what else comes within this time is in the audit log alone. */
const LOG_AGAIN_MS = 60_000;

export interface IssuersParts {
  /** The address of Howdah, whose /mcp tokens are for where nothing else is configured. */
  readonly publicUrl: string | undefined;
  readonly logger: Logger;
  readonly fetchKeys?: FetchKeys | undefined;
  readonly now?: (() => number) | undefined;
}

/** The issuers of tokens, with what is known of their keys. */
export interface Issuers {
  /** Knows tokens of the issuers of a configuration. */
  use(config: Pick<Config, 'auth' | 'personas'>): Recognizer;
  /** From now on issuers are asked for their keys before the first token comes. */
  start(): void;
}

export function createIssuers({
  publicUrl,
  logger,
  fetchKeys: fetch = fetchKeys,
  now = Date.now,
}: IssuersParts): Issuers {
  const keysOf = new Map<string, IssuerKeys>();
  /** By which rules somebody was let in; a principal is made once for a token. */
  const letInBy = new WeakMap<Principal, string>();
  const onRefused = logSeldom(logger, now);
  let isStarted = false;

  function openKeys({ issuer, jwks_uri }: IssuerSpec): IssuerKeys {
    const place = JSON.stringify([issuer, jwks_uri]);
    const known = keysOf.get(place);
    if (known) return known;
    const keys = createIssuerKeys({ source: { issuer, jwks_uri }, fetchKeys: fetch, logger, now });
    keysOf.set(place, keys);
    if (isStarted) void keys.refresh();
    return keys;
  }

  return {
    use({ auth, personas }) {
      const explicit = explicitRoles(personas);
      const builtInRoles = new Set(BUILT_IN_PERSONAS.filter((name) => !explicit.has(name)));
      const issuers = new Map(
        auth.oidc.map((spec) => {
          const audience = spec.audience ?? `${publicUrl}/mcp`;
          return [spec.issuer, createIssuer({ spec, audience, builtInRoles, keys: openKeys(spec), onRefused, now })];
        }),
      );
      return createRecognizer({ issuers, letInBy, onRefused, now });
    },
    start() {
      isStarted = true;
      for (const keys of keysOf.values()) void keys.refresh();
    },
  };
}

interface RecognizerParts {
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly letInBy: WeakMap<Principal, string>;
  readonly onRefused: OnRefused;
  readonly now: () => number;
}

function createRecognizer({ issuers, letInBy, onRefused, now }: RecognizerParts): Recognizer {
  const cache = createTokenCache(now);
  const budget = createCheckBudget(now);

  async function verify(text: string, digest: string, sourceAddress: string): Promise<Recognition> {
    const token = readJwt(text);
    const { iss } = token?.claims ?? {};
    const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
    if (!token) return UNRECOGNIZED;
    if (!issuer) {
      onRefused('none of auth.oidc', 'unknown issuer');
      return { refused: 'unrecognized', detail: 'unknown issuer' };
    }
    if (!budget.allows(sourceAddress)) return { refused: 'unrecognized', detail: 'not looked at' };
    const verified = await issuer.verify(text, token);
    if ('refused' in verified) {
      if (verified.refused === 'unrecognized' && verified.detail === WRONG_SIGNATURE) budget.failed(sourceAddress);
      return verified;
    }
    letInBy.set(verified.recognized.principal, issuer.rules);
    cache.add(digest, verified);
    return verified.recognized;
  }

  return {
    recognize(bearer, sourceAddress) {
      const digest = digestOf(bearer);
      return cache.get(digest) ?? verify(bearer, digest, sourceAddress);
    },
    renew(principal) {
      const rules = issuers.get(principal.issuer)?.rules;
      return rules !== undefined && letInBy.get(principal) === rules ? principal : undefined;
    },
  };
}

function logSeldom(logger: Logger, now: () => number): OnRefused {
  const loggedAtMs = new Map<string, number>();
  return (issuer, detail, facts) => {
    const key = `${issuer} ${detail}`;
    if (now() - (loggedAtMs.get(key) ?? -Infinity) < LOG_AGAIN_MS) return;
    loggedAtMs.set(key, now());
    logger.warn({ issuer, reason: detail, ...facts }, 'a caller with a token of this issuer was refused');
  };
}
