import { expect, it } from 'vitest';
import { createApiKey } from './api-key.ts';
import { compileApiKeys } from './api-keys.ts';
import { createLiveApiKeys } from './live-api-keys.ts';

it('knows the keys that are in force now', () => {
  const [old, next] = [createApiKey(), createApiKey()];
  const compile = (...keys: (typeof old)[]) =>
    compileApiKeys(keys.map(({ id, hash }) => ({ id, hash, roles: ['dba'] })));
  const live = createLiveApiKeys(compile(old));
  const known = () => [old, next].map(({ key }) => live.find(key, '::1') !== undefined);
  expect(known()).toEqual([true, false]);
  live.replace(compile(old, next));
  expect(known()).toEqual([true, true]);
  live.replace(compile(next));
  expect(known()).toEqual([false, true]);
});
