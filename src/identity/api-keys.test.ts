import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Principal } from '../contract/principal.ts';
import { createApiKey } from './api-key.ts';
import { compileApiKeys } from './api-keys.ts';

const HOME = '127.0.0.1';
const first = createApiKey();
const second = createApiKey();

const specOf = ({ id, hash }: typeof first) => ({ id, hash, roles: ['dba'] });

describe('a key', () => {
  const keys = compileApiKeys([
    specOf(first),
    { ...specOf(second), name: 'night shift', roles: ['viewer', 'x'], tools: ['class:schema'], servers: ['shop-*'] },
  ]);

  it('is a principal with its roles', () => {
    const principal = keys.find(first.key, HOME);
    expect(principal).toEqual({ issuer: 'key', subject: first.id, method: 'api_key', client: null, roles: ['dba'] });
    expect(Principal.parse(principal)).toEqual(principal);
  });

  it('has its name, and says how it narrows and where that stands', () => {
    expect(keys.find(second.key, HOME)).toMatchObject({
      client: 'night shift',
      roles: ['viewer', 'x'],
      narrowing: { path: 'auth.api_keys[1]', tools: ['class:schema'], servers: ['shop-*'] },
    });
  });

  it('is one principal at each call, so that what is made for it can be kept', () => {
    expect(keys.find(second.key, HOME)?.narrowing).toBe(keys.find(second.key, HOME)?.narrowing);
  });
});

describe('is nobody', () => {
  const keys = compileApiKeys([specOf(first), { ...specOf(second), hash: createApiKey().hash }]);

  it.each([
    ['a key that nobody configured', createApiKey().key],
    ['a known id with another secret', second.key],
    ['nothing', ''],
    ['an id alone', first.id],
    ['the hash of a key', first.hash],
    ['AK-04: a key with a trailing newline', `${first.key}\n`],
    ['AK-04: a key in lower case', first.key.toLowerCase()],
    ['AK-04: a key with a zero-width space', `${first.key}\u200b`],
    ['AK-09: a client secret of another form', hash('sha256', first.key, 'base64url')],
    ['a name of Object.prototype', '__proto__'],
  ])('%s', (_, presented) => {
    expect(keys.find(presented, HOME)).toBeUndefined();
  });
});

it('RS-07: ends when it expires, to the millisecond', () => {
  let now = Date.parse('2026-12-31T22:59:59.999Z');
  const keys = compileApiKeys([{ ...specOf(first), expires_at: '2027-01-01T00:00:00+01:00' }], () => now);
  expect(keys.find(first.key, HOME)?.subject).toBe(first.id);
  now += 1;
  expect(keys.find(first.key, HOME)).toBeUndefined();
});

it('works only from its networks', () => {
  const keys = compileApiKeys([{ ...specOf(first), networks: ['10.0.0.0/8', 'fd00::/8'] }]);
  const works = (address: string) => keys.find(first.key, address) !== undefined;
  expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::5'].map(works)).toEqual([true, true, true]);
  expect(['11.1.2.3', 'fe80::1', HOME, 'unix', ''].map(works)).toEqual([false, false, false, false, false]);
});

it('never holds the key itself, nor shows it', () => {
  const keys = compileApiKeys([specOf(first)]);
  expect(JSON.stringify(keys.find(first.key, HOME))).not.toContain(first.key.slice(17, 60));
});
