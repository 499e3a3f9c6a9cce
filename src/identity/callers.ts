import type { Principal } from '../contract/principal.ts';
import type { Config } from '../config/schema.ts';
import { anonymousPrincipal } from './anonymous-principal.ts';
import { externalServers, type AuthorizationServer } from './authorization-server.ts';
import { compileApiKeys, type ApiKeys } from './api-keys.ts';
import { formOf, UNRECOGNIZED, type Recognizer } from './bearer.ts';

/** Who may call over HTTP. */
export interface Callers extends Pick<ApiKeys, 'find' | 'named'>, Recognizer {
  /** Whom a caller without a credential is taken for; undefined where nobody is served without one. */
  anonymous(): Principal | undefined;
  /** Where tokens are to be had, the first of all first. */
  authorizationServers(): readonly AuthorizationServer[];
}

/** What outlives one reading of the configuration: each has what it learned, such as keys of an issuer. */
export interface CallersOptions {
  /** Howdah's own. */
  readonly authorizationServer?: AuthorizationServer | undefined;
  /** Our own access tokens; nobody has one where this is left out. */
  readonly accessTokens?: Recognizer | undefined;
  /** Tokens of the configured issuers; none counts where this is left out. */
  readonly jwts?: Recognizer | undefined;
  readonly now?: (() => number) | undefined;
}

export function compileCallers(
  auth: Config['auth'],
  { authorizationServer, accessTokens, jwts, now }: CallersOptions = {},
): Callers {
  const { api_keys: specs, anonymous: spec } = auth;
  const servers = [...(authorizationServer ? [authorizationServer] : []), ...externalServers(auth)];
  const anonymous = spec && anonymousPrincipal(spec.persona);
  const keys = compileApiKeys(specs, now);
  return {
    ...keys,
    anonymous: () => anonymous,
    authorizationServers: () => servers,
    recognize(bearer, sourceAddress) {
      const form = formOf(bearer);
      if (form === 'api_key') return keys.recognize(bearer, sourceAddress) ?? UNRECOGNIZED;
      const recognizer = form === 'access_token' ? accessTokens : form === 'jwt' ? jwts : undefined;
      return recognizer?.recognize(bearer, sourceAddress) ?? UNRECOGNIZED;
    },
    renew(principal) {
      const { method, subject } = principal;
      if (method === 'api_key') return keys.named(subject);
      if (method === 'anonymous') return anonymous;
      if (method === 'access_token') return accessTokens?.renew(principal);
      return method === 'oidc' ? jwts?.renew(principal) : principal;
    },
  };
}

/** Callers that can be replaced while requests come in. */
export interface LiveCallers extends Callers {
  replace(callers: Callers): void;
}

export function createLiveCallers(initial: Callers): LiveCallers {
  let current = initial;
  return {
    find: (presented, sourceAddress) => current.find(presented, sourceAddress),
    named: (id) => current.named(id),
    anonymous: () => current.anonymous(),
    authorizationServers: () => current.authorizationServers(),
    recognize: (bearer, sourceAddress) => current.recognize(bearer, sourceAddress),
    renew: (principal) => current.renew(principal),
    replace(callers) {
      current = callers;
    },
  };
}
