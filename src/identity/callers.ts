import type { Principal } from '../contract/principal.ts';
import type { Config } from '../config/schema.ts';
import { anonymousPrincipal } from './anonymous-principal.ts';
import { compileApiKeys, type ApiKeys } from './api-keys.ts';

/** Who may call over HTTP. */
export interface Callers extends ApiKeys {
  /** Whom a caller without a credential is taken for; undefined where nobody is served without one. */
  anonymous(): Principal | undefined;
}

export function compileCallers({ api_keys: specs, anonymous: spec }: Config['auth'], now?: () => number): Callers {
  const anonymous = spec && anonymousPrincipal(spec.persona);
  return { ...compileApiKeys(specs, now), anonymous: () => anonymous };
}

/** Callers that can be replaced while requests come in. */
export interface LiveCallers extends Callers {
  replace(callers: Callers): void;
}

export function createLiveCallers(initial: Callers): LiveCallers {
  let current = initial;
  return {
    find: (presented, sourceAddress) => current.find(presented, sourceAddress),
    anonymous: () => current.anonymous(),
    replace(callers) {
      current = callers;
    },
  };
}
