import type { ApiKeys } from './api-keys.ts';

/** Keys that can be replaced while requests come in. */
export interface LiveApiKeys extends ApiKeys {
  replace(keys: ApiKeys): void;
}

export function createLiveApiKeys(initial: ApiKeys): LiveApiKeys {
  let current = initial;
  return {
    find: (presented, sourceAddress) => current.find(presented, sourceAddress),
    replace(keys) {
      current = keys;
    },
  };
}
