import { describe, expect, it } from 'vitest';
import { Config } from '../config/schema.ts';
import type { Principal } from '../contract/principal.ts';
import { createApiKey } from './api-key.ts';
import { UNRECOGNIZED, type Recognizer } from './bearer.ts';
import { compileCallers, createLiveCallers } from './callers.ts';
import { localPrincipal } from './local-principal.ts';
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

describe('a bearer', () => {
  const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.AAAA';
  const known = { principal: localPrincipal('dba', 'ada'), scopes: ['pg:read'], expiresAtMs: 5 } as const;
  const asked: string[] = [];
  const recognizer = (name: string): Recognizer => ({
    recognize(bearer) {
      asked.push(`${name} ${bearer}`);
      return name === 'jwts' ? Promise.resolve(known) : known;
    },
    renew: (principal) => (principal.client === name ? principal : undefined),
  });
  const { auth } = Config.parse({ auth: { api_keys: [{ id: old.id, hash: old.hash, roles: ['dba'] }] } });
  const callers = compileCallers(auth, { accessTokens: recognizer('accessTokens'), jwts: recognizer('jwts') });

  it('goes by its form to whoever could have made it, and to nobody else', async () => {
    expect(callers.recognize(old.key, '::1')).toMatchObject({ scopes: null, expiresAtMs: Infinity });
    expect(callers.recognize('hdt_abc', '::1')).toBe(known);
    expect(await callers.recognize(jwt, '::1')).toBe(known);
    for (const other of ['', 'hdh_abc', 'x', 'a.b', 'a.b.c.d', 'a..c', 'x'.repeat(15_000), `${jwt}=`]) {
      expect(callers.recognize(other, '::1')).toBe(UNRECOGNIZED);
    }
    expect(asked).toEqual(['accessTokens hdt_abc', `jwts ${jwt}`]);
  });

  it('stands for nobody where no token of its form counts', () => {
    const few = compileCallers(auth);
    expect([few.recognize('hdt_abc', '::1'), few.recognize(jwt, '::1')]).toEqual([UNRECOGNIZED, UNRECOGNIZED]);
  });

  it('that let somebody in is asked whether they may go on', () => {
    const principal = { issuer: 'x', subject: 'y', client: 'jwts', roles: [] };
    const renewed = (method: Principal['method'], client = 'jwts') => callers.renew({ ...principal, method, client });
    expect(renewed('oidc')).toMatchObject({ method: 'oidc' });
    expect([renewed('access_token'), renewed('oidc', 'accessTokens'), renewed('api_key')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(renewed('local')).toMatchObject({ method: 'local' });
  });
});
