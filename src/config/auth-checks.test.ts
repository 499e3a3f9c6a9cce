import { expect, it } from 'vitest';
import { findKeyProblems, findKeyWarnings } from './auth-checks.ts';
import { Config } from './schema.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const keyOf = (id: string, more = {}) => ({
  id: id.padEnd(12, '0'),
  hash: `sha256:${'a'.repeat(64)}`,
  roles: ['dba'],
  ...more,
});
const parse = (keys: unknown[], personas = {}) => Config.parse({ auth: { api_keys: keys }, personas });

it('finds two keys with one id, and takes case as it is', () => {
  expect(findKeyProblems(parse([keyOf('a'), keyOf('A'), keyOf('b'), keyOf('a')]))).toEqual([
    { path: 'auth.api_keys[3].id', message: 'is the id of auth.api_keys[0] too; take one of them away' },
  ]);
});

it('warns of a key that has expired, and not of one that will', () => {
  const keys = [
    keyOf('a', { expires_at: '2026-06-01T14:00:00+02:00' }),
    keyOf('b', { expires_at: '2026-06-01T12:00:01Z' }),
  ];
  expect(findKeyWarnings(parse(keys), NOW)).toEqual([
    'auth.api_keys[0] expired at 2026-06-01T14:00:00+02:00; take it away, or replace it with a new key.',
  ]);
});

it('warns of a key whose roles choose no persona', () => {
  const personas = { dba: { roles: ['group:ops'] }, support: { roles: ['café'] } };
  const keys = [
    keyOf('a', { roles: ['dba'] }),
    keyOf('b', { roles: ['group:op', 'group:ops'] }),
    keyOf('c', { roles: ['cafe\u0301'] }),
    keyOf('d', { roles: ['vewer'] }),
    keyOf('e', { roles: ['support'] }),
    keyOf('f', { roles: ['viewer'] }),
  ];
  expect(findKeyWarnings(parse(keys, personas), NOW)).toEqual([
    'auth.api_keys[0] has no role that chooses a persona, so that it may do nothing; there are admin, analyst, auditor, café, group:ops, viewer',
    'auth.api_keys[3] has no role that chooses a persona, so that it may do nothing; did you mean `viewer`?',
    expect.stringMatching(/^auth\.api_keys\[4\] has no role/),
  ]);
});

it.each([
  { id: 'short' },
  { id: 'abcdefghijk-' },
  { hash: 'a'.repeat(64) },
  { hash: `sha256:${'A'.repeat(64)}` },
  { roles: [] },
  { expires_at: '2027-01-31' },
  { networks: ['10.0.0.0/33'] },
  { networks: [] },
  { tools: [] },
  { key: 'x' },
])('refuses a key in another form: %j', (more) => {
  expect(Config.safeParse({ auth: { api_keys: [keyOf('a', more)] } }).success).toBe(false);
});
