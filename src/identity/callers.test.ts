import { expect, it } from 'vitest';
import { Config } from '../config/schema.ts';
import { createApiKey } from './api-key.ts';
import { compileCallers, createLiveCallers } from './callers.ts';

const [old, next] = [createApiKey(), createApiKey()];

function compile(keys: readonly (typeof old)[], anonymous?: { persona: string }) {
  const { auth } = Config.parse({
    auth: { anonymous, api_keys: keys.map(({ id, hash }) => ({ id, hash, roles: ['dba'] })) },
  });
  return compileCallers(auth);
}

it('knows the keys that are in force now', () => {
  const live = createLiveCallers(compile([old]));
  const known = () => [old, next].map(({ key }) => live.find(key, '::1') !== undefined);
  expect(known()).toEqual([true, false]);
  live.replace(compile([old, next]));
  expect(known()).toEqual([true, true]);
  live.replace(compile([next]));
  expect(known()).toEqual([false, true]);
});

it('takes a caller without a credential for whom the configuration says now', () => {
  const live = createLiveCallers(compile([]));
  expect(live.anonymous()).toBeUndefined();
  live.replace(compile([], { persona: 'viewer' }));
  expect(live.anonymous()).toMatchObject({ method: 'anonymous', roles: ['viewer'] });
  live.replace(compile([old]));
  expect(live.anonymous()).toBeUndefined();
});
