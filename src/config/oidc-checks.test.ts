import { describe, expect, it } from 'vitest';
import { findIssuerProblems, findIssuerWarnings } from './oidc-checks.ts';
import { splitClaimPath } from './oidc-section.ts';
import { Config } from './schema.ts';

const AUDIENCE = 'https://mcp.example.org/mcp';
const entryOf = (more = {}) => ({ issuer: 'https://idp.example.org/realms/acme', audience: AUDIENCE, ...more });
const parse = (oidc: unknown[], more = {}) => Config.parse({ auth: { oidc }, ...more });

it('requires an audience, which may be that of the public address', () => {
  const without = entryOf({ audience: undefined });
  expect(findIssuerProblems(parse([without]))).toEqual([
    { path: 'auth.oidc[0].audience', message: expect.stringMatching(/^is missing: .* set http\.public_url/) },
  ]);
  expect(findIssuerProblems(parse([without], { http: { public_url: 'https://mcp.example.org' } }))).toEqual([]);
});

it('finds an issuer that is there twice', () => {
  expect(findIssuerProblems(parse([entryOf(), entryOf({ issuer: 'https://b.example' }), entryOf()]))).toEqual([
    { path: 'auth.oidc[2].issuer', message: 'is that of auth.oidc[0] too; take one of them away' },
  ]);
});

it('warns where no role can choose a persona', () => {
  expect(findIssuerWarnings(parse([entryOf()]))).toEqual([
    expect.stringMatching(/^auth\.oidc\[0\] says not which roles .* set role_prefix, such as howdah-/),
  ]);
  expect(findIssuerWarnings(parse([entryOf({ role_prefix: 'howdah-' })]))).toEqual([]);
  expect(findIssuerWarnings(parse([entryOf({ roles: { 'DB team': 'vewer' } })]))).toEqual([
    'auth.oidc[0].roles has no role that chooses a persona, so that it may do nothing; did you mean `viewer`?',
  ]);
  expect(findIssuerWarnings(parse([entryOf()], { personas: { team: { roles: ['group:data'] } } }))).toEqual([]);
});

describe('an entry', () => {
  it.each([
    { issuer: 'http://idp.example.org' },
    { issuer: 'https://user:pw@idp.example.org' },
    { issuer: 'https://idp.example.org/?tenant=a' },
    { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' },
    { issuer: 'ftp://127.0.0.1' },
    { issuer: 'http://127.0.0.1.evil.example' },
    { audience: '' },
    { jwks_uri: 'http://idp.example.org/keys' },
    { algorithms: ['HS256'] },
    { algorithms: ['none'] },
    { algorithms: [] },
    { clock_tolerance: '301s' },
    { clock_tolerance: '1h' },
    { clock_tolerance: 60 },
    { roles_claim: '' },
    { roles_claim: [] },
    { scopes: { a: 'pg:write' } },
    { default_scopes: ['openid'] },
    { secret: 'x' },
  ])('is refused with %j', (more) => {
    expect(Config.safeParse({ auth: { oidc: [entryOf(more)] } }).success).toBe(false);
  });

  it('has the tolerance of a minute, and may be on this machine without encryption', () => {
    const { auth } = parse([entryOf({ issuer: 'http://localhost:8080/realms/a', jwks_uri: 'http://[::1]:1/keys' })]);
    expect(auth.oidc[0]).toMatchObject({ clock_tolerance: '60s', subject_claim: ['sub'], roles_claim: ['roles'] });
  });
});

it.each([
  ['roles', ['roles']],
  ['realm_access.roles', ['realm_access', 'roles']],
  [String.raw`a\.b.c`, ['a.b', 'c']],
  ['https://acme.example/claims/roles', ['https://acme.example/claims/roles']],
])('reads the path %j as %j', (path, keys) => {
  expect(splitClaimPath(path)).toEqual(keys);
});
