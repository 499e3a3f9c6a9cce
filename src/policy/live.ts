import type { Policy } from './policy.ts';

/** A policy that can be replaced while calls go on; each call reads it once and keeps what it read. */
export interface LivePolicy extends Policy {
  replace(policy: Policy): void;
}

export function createLivePolicy(initial: Policy): LivePolicy {
  let current = initial;
  return {
    get version() {
      return current.version;
    },
    personaFor: (principal) => current.personaFor(principal),
    contenders: (principal) => current.contenders(principal),
    personas: () => current.personas(),
    grants: (principal) => current.grants(principal),
    replace(policy) {
      current = policy;
    },
  };
}
