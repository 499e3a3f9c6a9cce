import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, useIssuers } from '../../../test/issuer-kit.ts';
import { HOME, refused, startRecognizer } from '../../../test/recognizer-kit.ts';
import { Principal } from '../../contract/principal.ts';
import type { Recognition, Recognized } from '../bearer.ts';

const open = useIssuers();
const rolesOf = (recognition: Recognition) => (recognition as Recognized).principal.roles;
const scopesOf = (recognition: Recognition) => (recognition as Recognized).scopes;

describe('a token', () => {
  it('is a principal of its issuer, at once from the second time on', async () => {
    const issuer = await open();
    const { recognizer, now } = startRecognizer(issuer);
    const exp = Math.floor(now() / 1000) + 60;
    const token = await issuer.sign({ azp: 'claude', exp });
    const first = await recognizer.recognize(token, HOME);
    expect(first).toMatchObject({
      principal: { issuer: issuer.url, subject: 'ada', method: 'oidc', client: 'claude', roles: ['dba'] },
      scopes: ['pg:read', 'pg:query'],
    });
    expect(Principal.parse((first as Recognized).principal)).toEqual((first as Recognized).principal);
    expect((first as Recognized).expiresAtMs).toBe((exp + 61) * 1000);
    expect(recognizer.recognize(token, HOME)).toBe(first);
    expect(issuer.asked).toEqual(['/realms/acme/.well-known/openid-configuration', '/jwks']);
    expect(JSON.stringify(first)).not.toContain(token.slice(0, 20));
  });

  it.each(['RS256', 'PS384', 'ES512', 'EdDSA'])('may be signed with %s', async (alg) => {
    const issuer = await open();
    await issuer.addKey('other', { alg, alone: true });
    expect(await startRecognizer(issuer).call()).toMatchObject({ principal: { subject: 'ada' } });
  });

  it.each([
    ['RS-08', 'for another server', { aud: 'https://other.example.org/mcp' }, 'another audience'],
    ['RS-08', 'for others', { aud: ['a', 'b'] }, 'another audience'],
    ['RS-08', 'for a part of the address', { aud: 'https://howdah.example.org' }, 'another audience'],
    ['RS-08', 'for nobody', { aud: undefined }, 'another audience'],
    ['RS-08', 'an ID token for a client', { aud: 'claude', at_hash: 'x' }, 'another audience'],
    ['RS-08', 'an ID token whose client is called as the audience', { at_hash: 'x' }, 'made for signing in'],
    ['RS-08', 'a refresh token of Keycloak', { typ: 'Refresh' }, 'made for signing in'],
    ['RS-07', 'without an end', { exp: undefined }, 'no times'],
    ['RS-07', 'whose end is a text', { exp: '9999999999' }, 'no times'],
    ['FD-04', 'without a subject', { sub: undefined }, 'no subject'],
    ['FD-04', 'with an empty subject', { sub: '' }, 'no subject'],
    ['FD-04', 'with a subject that is no text', { sub: { $ne: 1 } }, 'no subject'],
    ['FD-04', 'with a subject without end', { sub: 'a'.repeat(256) }, 'no subject'],
    [
      'FD-08',
      'with thousands of roles',
      { roles: Array.from({ length: 500 }, (_, i) => `howdah-${i}`) },
      'too many roles',
    ],
  ])('%s: does not count %s', async (_, __, claims, detail) => {
    const issuer = await open();
    expect(await startRecognizer(issuer).call(claims)).toEqual(refused(detail));
  });

  it('RS-08: counts for one of several audiences if it is ours', async () => {
    const issuer = await open();
    expect(await startRecognizer(issuer).call({ aud: ['other', AUDIENCE] })).toMatchObject({
      principal: { subject: 'ada' },
    });
  });

  it.each([
    ['a slash at the end', (url: string) => `${url}/`],
    ['another case', (url: string) => url.toUpperCase()],
    ['no scheme', (url: string) => url.slice(7)],
    ['another tenant', (url: string) => url.replace('acme', 'evil')],
  ])('RS-09, FD-05: is of another issuer with %s', async (_, change) => {
    const issuer = await open();
    expect(await startRecognizer(issuer).call({ iss: change(issuer.url) })).toEqual(refused('unknown issuer'));
    expect(issuer.asked).toEqual([]);
  });

  it('RS-07: counts while the clocks are 60 s apart, and not a second further; why is in the log', async () => {
    const issuer = await open();
    const { log, now, call } = startRecognizer(issuer);
    const nowS = Math.floor(now() / 1000);
    for (const claims of [{ exp: nowS - 59 }, { exp: nowS - 60 }, { nbf: nowS + 60 }, { iat: nowS + 60 }]) {
      expect(await call(claims)).toMatchObject({ principal: { subject: 'ada' } });
    }
    expect(await call({ exp: nowS - 61 })).toEqual(refused('expired'));
    expect(await call({ nbf: nowS + 61 })).toEqual(refused('not valid yet'));
    expect(await call({ iat: nowS + 61 })).toEqual(refused('not valid yet'));
    expect(log).toMatchObject([
      { issuer: issuer.url, reason: 'expired', seconds_ago: 61, tolerance_s: 60 },
      { issuer: issuer.url, reason: 'not valid yet', seconds_to_go: 61, tolerance_s: 60 },
    ]);
  });

  it('RS-07: ends when it expires although it is known', async () => {
    const issuer = await open();
    const { recognizer, pass, now } = startRecognizer(issuer);
    const token = await issuer.sign({ exp: Math.floor(now() / 1000) + 5 });
    const { expiresAtMs } = (await recognizer.recognize(token, HOME)) as Recognized;
    pass(expiresAtMs - now() - 1);
    expect(recognizer.recognize(token, HOME)).toMatchObject({ expiresAtMs });
    pass(1);
    expect(await recognizer.recognize(token, HOME)).toEqual(refused('expired'));
  });

  it('has as much tolerance as is configured', async () => {
    const issuer = await open();
    const { call, now } = startRecognizer(issuer, { clock_tolerance: '0s' });
    expect(await call({ exp: Math.floor(now() / 1000) - 1 })).toEqual(refused('expired'));
  });
});

describe('a header', () => {
  it.each([
    ['jwk', (key: object) => ({ jwk: key })],
    ['jku', () => ({ jku: 'http://127.0.0.1:1/jwks' })],
    ['x5u', () => ({ x5u: 'http://127.0.0.1:1/chain' })],
    ['x5c', () => ({ x5c: ['MIIB'] })],
  ])('RS-05: brings no key of its own as %s', async (_, header) => {
    const issuer = await open();
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const call = { header: header(await exportJWK(publicKey)), key: privateKey };
    expect(await startRecognizer(issuer).call({}, call)).toEqual(refused('signature'));
    expect(issuer.asked).toHaveLength(2);
  });

  it.each(['../../dev/null', "' OR 1=1 --", '__proto__', 'constructor', 'k'.repeat(9000), ''])(
    'RS-06: names no key by %.20j',
    async (kid) => {
      const issuer = await open();
      expect(await startRecognizer(issuer).call({}, { header: { kid } })).toEqual(refused('unknown key'));
    },
  );

  it('RS-06: that names ever new keys has the issuer asked twice in half a minute', async () => {
    const issuer = await open();
    const { call, pass } = startRecognizer(issuer);
    for (let i = 0; i < 20; i++) await call({}, { header: { kid: `made-up-${i}` } });
    await Promise.all(Array.from({ length: 20 }, (_, i) => call({}, { header: { kid: `at-once-${i}` } })));
    expect(issuer.asked).toHaveLength(2);
    pass(30_000);
    await Promise.all(Array.from({ length: 20 }, (_, i) => call({}, { header: { kid: `later-${i}` } })));
    expect(issuer.asked).toHaveLength(4);
  });

  it.each([
    ['none', 'algorithm'],
    ['HS256', 'algorithm'],
    ['es256', 'algorithm'],
  ])('is not of the algorithm %s', async (alg, detail) => {
    const issuer = await open();
    const [, claims, signature] = (await issuer.sign()).split('.');
    const header = Buffer.from(JSON.stringify({ alg, kid: 'first' })).toString('base64url');
    const { recognizer } = startRecognizer(issuer);
    for (const end of [signature, 'AAAA']) {
      expect(await recognizer.recognize(`${header}.${claims}.${end}`, HOME)).toEqual(refused(detail));
    }
  });

  it('is of an algorithm that is configured', async () => {
    const issuer = await open();
    expect(await startRecognizer(issuer, { algorithms: ['RS256'] }).call()).toEqual(refused('algorithm'));
  });

  it.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'jwe', ''])('is not of the type %j', async (typ) => {
    const issuer = await open();
    expect(await startRecognizer(issuer).call({}, { header: { typ } })).toEqual(refused('type'));
  });

  it.each(['at+jwt', 'application/at+jwt', 'JWT', 'jwt'])('may be of the type %s', async (typ) => {
    const issuer = await open();
    expect(await startRecognizer(issuer).call({}, { header: { typ } })).toMatchObject({
      principal: { subject: 'ada' },
    });
  });

  it('has nothing that must be understood', async () => {
    const issuer = await open();
    const [, claims, signature] = (await issuer.sign()).split('.');
    const { recognizer } = startRecognizer(issuer);
    for (const more of [{ crit: ['exp'] }, { crit: [] }, { b64: false }]) {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'first', ...more })).toString('base64url');
      expect(await recognizer.recognize(`${header}.${claims}.${signature}`, HOME)).toEqual(refused('critical header'));
    }
  });

  it('and claims stand as they were signed', async () => {
    const issuer = await open();
    const { recognizer } = startRecognizer(issuer);
    const [header, , signature] = (await issuer.sign()).split('.');
    const [, claims] = (await issuer.sign({ roles: ['howdah-admin'] })).split('.');
    expect(await recognizer.recognize(`${header}.${claims}.${signature}`, HOME)).toEqual(refused('signature'));
    for (const text of ['a.b.c', 'e30.e30.e30', 'W10.W10.W10', 'bnVsbA.bnVsbA.bnVsbA']) {
      expect(await recognizer.recognize(text, HOME)).toMatchObject({ refused: 'unrecognized' });
    }
  });
});

describe('roles', () => {
  it.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
    [{}, { roles: ['howdah-dba', 'howdah-', 'wiki', 'x-howdah-admin', 7, null] }, ['dba']],
    [{}, { roles: 'howdah-viewer' }, ['viewer']],
    [{}, { roles: { howdah: 'admin' } }, []],
    [{}, { roles: undefined }, []],
    [{ roles_claim: 'realm_access.roles' }, { realm_access: { roles: ['howdah-dba'] } }, ['dba']],
    [{ roles_claim: 'https://acme.example/roles' }, { 'https://acme.example/roles': ['howdah-dba'] }, ['dba']],
    [
      { roles_claim: ['resource_access', 'mcp.example.org', 'roles'] },
      { resource_access: { 'mcp.example.org': { roles: ['howdah-dba'] } } },
      ['dba'],
    ],
    [
      { roles_claim: String.raw`resource_access.mcp\.example\.org.roles` },
      { resource_access: { 'mcp.example.org': { roles: ['howdah-dba'] } } },
      ['dba'],
    ],
    [{ roles_claim: 'constructor.name' }, {}, []],
    [{ roles_claim: 'roles.0' }, { roles: ['howdah-dba'] }, []],
    [
      { role_prefix: undefined, roles: { 'DB admins': ['dba', 'auditor'], staff: 'viewer' } },
      { roles: ['DB admins', 'staff', 'admin', 'constructor'] },
      ['dba', 'auditor', 'viewer'],
    ],
    [{ roles: { ops: 'dba' } }, { roles: ['howdah-ops', 'ops', 'howdah-admin'] }, ['dba']],
  ])('with %j, %j are %j', async (entry, claims, roles) => {
    const issuer = await open();
    expect(rolesOf(await startRecognizer(issuer, entry).call(claims))).toEqual(roles);
  });

  it('FD-08: are not those of built-in personas by their name alone', async () => {
    const issuer = await open();
    const claims = { roles: ['admin', 'dba', 'auditor', 'analyst', 'viewer', 'group:data'] };
    const plain = { role_prefix: undefined };
    expect(rolesOf(await startRecognizer(issuer, plain).call(claims))).toEqual(['group:data']);
    const personas = { team: { roles: ['dba'], tools: { allow: ['*'] } } };
    expect(rolesOf(await startRecognizer(issuer, plain, personas).call(claims))).toEqual(['dba', 'group:data']);
  });
});

it.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
  [{}, {}, ['pg:read', 'pg:query']],
  [{}, { scope: 'openid email' }, ['pg:read', 'pg:query']],
  [{}, { scope: 'openid pg:read' }, ['pg:read']],
  [{}, { scp: ['pg:admin'] }, ['pg:admin']],
  [{}, { scp: 'pg:read pg:admin', scope: 7 }, ['pg:read', 'pg:admin']],
  [{ default_scopes: [] }, { scope: 'openid' }, []],
  [{ scopes: { 'Mcp.Read': 'pg:read' } }, { scp: 'Mcp.Read pg:admin' }, ['pg:read']],
  [{ scopes: { 'Mcp.Read': 'pg:read' } }, { scp: 'pg:admin constructor' }, []],
])('with %j, %j has the scopes %j', async (entry, claims, scopes) => {
  const issuer = await open();
  expect(scopesOf(await startRecognizer(issuer, entry).call(claims))).toEqual(scopes);
});

describe('FD-04: an e-mail address', () => {
  it.each<[unknown, boolean]>([
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [undefined, false],
    [1, false],
  ])('names the caller where email_verified is %j: %j', async (verified, counts) => {
    const issuer = await open();
    const { call } = startRecognizer(issuer, { subject_claim: 'email' });
    const recognition = await call({ email: 'ada@example.org', email_verified: verified });
    expect(recognition).toMatchObject(
      counts ? { principal: { issuer: issuer.url, subject: 'ada@example.org' } } : refused('e-mail not verified'),
    );
  });

  it('gives roles only where it is verified', async () => {
    const issuer = await open();
    const { call } = startRecognizer(issuer, {
      roles_claim: 'email',
      role_prefix: undefined,
      roles: { 'ada@x.org': 'dba' },
    });
    expect(await call({ email: 'ada@x.org' })).toEqual(refused('e-mail not verified'));
    expect(rolesOf(await call({ email: 'ada@x.org', email_verified: true }))).toEqual(['dba']);
  });
});
