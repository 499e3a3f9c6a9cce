import type { Principal } from '../contract/principal.ts';
import type { Config } from '../config/schema.ts';
import { anonymousPrincipal } from './anonymous-principal.ts';
import { compileApiKeys, type ApiKeys } from './api-keys.ts';

/** Who may call over HTTP. */
export interface Callers extends ApiKeys {
  /** Whom a caller without a credential is taken for; undefined where nobody is served without one. */
  anonymous(): Principal | undefined;
  /** Whom a caller who was let in is taken for now; undefined for one who would not be let in any more. */
  renew(principal: Principal): Principal | undefined;
}

export function compileCallers({ api_keys: specs, anonymous: spec }: Config['auth'], now?: () => number): Callers {
  const anonymous = spec && anonymousPrincipal(spec.persona);
  const keys = compileApiKeys(specs, now);
  return {
    ...keys,
    anonymous: () => anonymous,
    renew(principal) {
      if (principal.method === 'api_key') return keys.named(principal.subject);
      return principal.method === 'anonymous' ? anonymous : principal;
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
    renew: (principal) => current.renew(principal),
    replace(callers) {
      current = callers;
    },
  };
}
