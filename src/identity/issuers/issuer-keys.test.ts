import { describe, expect, it } from 'vitest';
import { useIssuers } from '../../../test/issuer-kit.ts';
import { HOME, refused, startRecognizer } from '../../../test/recognizer-kit.ts';
import { Config } from '../../config/schema.ts';
import type { Recognized } from '../bearer.ts';

const open = useIssuers();

describe('an issuer', () => {
  it('FD-09: that is down at the start is waited for with 503, and then known', async () => {
    const issuer = await open();
    issuer.fail(500);
    const { issuers, log, call, pass } = startRecognizer(issuer);
    issuers.start();
    expect(await call()).toEqual({ refused: 'unavailable', retryAfterS: 5 });
    const asked = issuer.asked.length;
    await Promise.all(Array.from({ length: 20 }, () => call()));
    expect(issuer.asked).toHaveLength(asked);
    issuer.fail(200);
    pass(5000);
    expect(await call()).toMatchObject({ principal: { subject: 'ada' } });
    expect(log).toMatchObject([
      { level: 'warn', issuer: issuer.url, err: { message: expect.stringContaining('it answers 500') } },
      { level: 'warn', issuer: issuer.url },
    ]);
  });

  it('FD-09: that goes down later has its keys count on for a day, and no longer', async () => {
    const issuer = await open();
    const { recognizer, call, pass, now } = startRecognizer(issuer);
    const long = await issuer.sign({ exp: Math.floor(now() / 1000) + 1_000_000 });
    expect(await recognizer.recognize(long, HOME)).toMatchObject({ principal: { subject: 'ada' } });
    issuer.fail(500);
    pass(23 * 3_600_000);
    const nowS = Math.floor(now() / 1000);
    expect(await call({ iat: nowS, exp: nowS + 60 })).toMatchObject({ principal: { subject: 'ada' } });
    expect(recognizer.recognize(long, HOME)).toMatchObject({ principal: { subject: 'ada' } });
    // nobody can say whether this key is one of its new ones
    const other = await call({ iat: nowS, exp: nowS + 60 }, { header: { kid: 'next' } });
    expect(other).toMatchObject({ refused: 'unavailable' });
    pass(2 * 3_600_000);
    expect(await recognizer.recognize(long, HOME)).toMatchObject({ refused: 'unavailable' });
  });

  it('that has a new key is asked for it', async () => {
    const issuer = await open();
    const { call, pass } = startRecognizer(issuer);
    await call();
    const key = await issuer.addKey('second');
    pass(30_000);
    expect(await call({}, { header: { kid: 'second' }, key })).toMatchObject({ principal: { subject: 'ada' } });
  });

  it('that takes a key away ends what was signed with it', async () => {
    const issuer = await open();
    const { recognizer, pass, now } = startRecognizer(issuer);
    const token = await issuer.sign({ exp: Math.floor(now() / 1000) + 100_000 });
    await recognizer.recognize(token, HOME);
    await issuer.addKey('second', { alone: true });
    pass(600_000);
    // served stale once more, while the issuer is asked
    expect(recognizer.recognize(token, HOME)).toMatchObject({ principal: { subject: 'ada' } });
    await expect.poll(async () => recognizer.recognize(token, HOME)).toEqual(refused('unknown key'));
  });

  it('FD-09: cannot put another key behind an id that was known', async () => {
    const issuer = await open();
    const { call, pass, log, now } = startRecognizer(issuer);
    await call();
    await issuer.addKey('first', { alone: true });
    pass(600_000);
    const nowS = Math.floor(now() / 1000);
    const later = () => call({ iat: nowS, exp: nowS + 60 });
    await expect.poll(later).toEqual(refused('unknown key'));
    expect(log).toContainEqual(expect.objectContaining({ level: 'error', issuer: issuer.url }));
  });

  it.each([
    ['says it is another', { issuer: 'https://evil.example' }],
    ['has its keys where anyone could change them', { jwks_uri: 'http://keys.example.org/jwks' }],
    ['has its keys nowhere', { jwks_uri: undefined }],
  ])('that %s is not believed', async (_, metadata) => {
    const issuer = await open();
    Object.assign(issuer.metadata, metadata);
    expect(await startRecognizer(issuer).call()).toMatchObject({ refused: 'unavailable' });
    expect(issuer.asked).not.toContain('/jwks');
  });

  it('is not asked for metadata where its keys are configured', async () => {
    const issuer = await open();
    const jwks = `${new URL(issuer.url).origin}/jwks`;
    expect(await startRecognizer(issuer, { jwks_uri: jwks }).call()).toMatchObject({ principal: { subject: 'ada' } });
    expect(issuer.asked).toEqual(['/jwks']);
  });

  it('with a secret for a key is not an issuer of tokens that this secret has made', async () => {
    const issuer = await open();
    const secret = Buffer.from('a shared secret of thirty-two bytes').toString('base64url');
    issuer.keys.push({ kty: 'oct', k: secret, kid: 'shared' });
    expect(await startRecognizer(issuer).call({}, { header: { kid: 'shared' } })).toEqual(refused('unknown key'));
  });
});

describe('who was let in', () => {
  it('may go on while the issuer is configured as it was', async () => {
    const issuer = await open();
    const { call, recognizer, issuers, configOf } = startRecognizer(issuer);
    const { principal } = (await call()) as Recognized;
    expect(recognizer.renew(principal)).toBe(principal);
    expect(issuers.use(configOf({})).renew(principal)).toBe(principal);
    expect(issuers.use(configOf({ role_prefix: 'x-' })).renew(principal)).toBeUndefined();
    expect(issuers.use(Config.parse({})).renew(principal)).toBeUndefined();
    expect(recognizer.renew({ ...principal })).toBeUndefined();
  });
});
