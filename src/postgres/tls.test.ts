import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../test/certificates.ts';
import { parseTarget } from './target.ts';
import type { TlsChoice } from './tls.ts';

const authority = createAuthority('Test Authority');
const stranger = createAuthority('Another Authority');
const NAME = 'db.example.test';
const server = authority.issue('ignored', { dns: [NAME], ip: ['192.0.2.7'] });
const impostor = stranger.issue(NAME, { dns: [NAME] });

const base = mkdtempSync(join(tmpdir(), 'howdah-tls-'));
const home = join(base, 'home');
const defaults = join(home, '.postgresql');
const anchor = join(base, 'ca.pem');
writeFileSync(anchor, authority.certificate);
beforeEach(() => mkdirSync(defaults, { recursive: true }));
afterEach(() => rmSync(home, { recursive: true }));
afterAll(() => rmSync(base, { recursive: true }));

function choose(parameters: string, env: Record<string, string> = {}): Promise<TlsChoice> {
  const target = parseTarget(`host=${NAME} user=u ${parameters}`, { env: { HOME: home, ...env } });
  const [host] = target.hosts;
  return target.tls(host ?? { host: '', port: 0 });
}

function put(name: string, text: string, mode = 0o600): string {
  const file = join(defaults, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Shakes hands with a server on loopback; resolves with the name of the client's certificate that the server saw. */
async function shakeHands(choice: TlsChoice, options: TlsOptions): Promise<string | undefined> {
  const listener = createServer(options);
  listener.on('tlsClientError', () => undefined);
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  accepted.catch(() => undefined);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const secure = connectTls({ ...choice.options, socket });
  try {
    await once(secure, 'secureConnect');
    const [seen] = await accepted;
    return (seen.getPeerCertificate() as { subject?: { CN?: string } }).subject?.CN;
  } finally {
    secure.destroy();
    socket.destroy();
    listener.close();
  }
}

const good: TlsOptions = { cert: server.certificate, key: server.key };
const bad: TlsOptions = { cert: impostor.certificate, key: impostor.key };

describe('whom TLS trusts', () => {
  it('is anybody with require and no root certificate', async () => {
    const choice = await choose('sslmode=require');
    expect(choice.mode).toBe('require');
    await expect(shakeHands(choice, bad)).resolves.toBeUndefined();
  });

  it('is what the authority signed with require and a root certificate, as verify-ca has it', async () => {
    put('root.crt', authority.certificate);
    const choice = await choose('sslmode=require host=elsewhere.test');
    expect(choice.mode).toBe('verify-ca');
    await expect(shakeHands(choice, good)).resolves.toBeUndefined();
    await expect(shakeHands(choice, bad)).rejects.toThrow('unable to');
  });

  it('is what the authority signed with prefer and a root certificate, though it may fall back to no TLS', async () => {
    put('root.crt', authority.certificate);
    const choice = await choose('sslmode=prefer');
    expect(choice.mode).toBe('prefer');
    await expect(shakeHands(choice, bad)).rejects.toThrow('unable to');
  });

  it('is the server of that name with verify-full', async () => {
    const parameters = `sslmode=verify-full sslrootcert=${anchor}`;
    await expect(shakeHands(await choose(parameters), good)).resolves.toBeUndefined();
    await expect(shakeHands(await choose(parameters), bad)).rejects.toThrow('unable to');
    const other = await choose(`${parameters} host=other.example.test`);
    await expect(shakeHands(other, good)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('is the server of that address with verify-full', async () => {
    const parameters = `sslmode=verify-full sslrootcert=${anchor}`;
    await expect(shakeHands(await choose(`${parameters} host=192.0.2.7`), good)).resolves.toBeUndefined();
    await expect(shakeHands(await choose(`${parameters} host=192.0.2.8`), good)).rejects.toThrow('192.0.2.8');
  });

  it('is the server of the name, not of the address that is connected to instead', async () => {
    const choice = await choose(`sslmode=verify-full sslrootcert=${anchor} hostaddr=127.0.0.1`);
    expect(choice.options.servername).toBe(NAME);
    await expect(shakeHands(choice, good)).resolves.toBeUndefined();
  });

  it('is what the system trusts with sslrootcert=system, and then verify-full is the default', async () => {
    const choice = await choose('sslrootcert=system', { SSL_CERT_FILE: anchor });
    expect(choice.mode).toBe('verify-full');
    await expect(shakeHands(choice, good)).resolves.toBeUndefined();
    await expect(shakeHands(choice, bad)).rejects.toThrow('unable to');
  });

  it('is nobody whose certificate is revoked', async () => {
    const revoked = put('root.crl', authority.revoke(server));
    const parameters = `sslmode=verify-full sslrootcert=${anchor}`;
    await expect(shakeHands(await choose(parameters), good)).rejects.toThrow('revoked');
    writeFileSync(revoked, authority.revoke(authority.issue('another')));
    await expect(shakeHands(await choose(parameters), good)).resolves.toBeUndefined();
  });

  it('is read again for each connection', async () => {
    const root = put('root.crt', stranger.certificate);
    const target = parseTarget(`host=${NAME} user=u sslmode=verify-full`, { env: { HOME: home } });
    const host = { host: NAME, port: 5432 };
    await expect(shakeHands(await target.tls(host), good)).rejects.toThrow('unable to');
    writeFileSync(root, authority.certificate);
    await expect(shakeHands(await target.tls(host), good)).resolves.toBeUndefined();
  });
});

function encryptedKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'of the test' },
  }).privateKey;
}

describe('the client certificate', () => {
  const client = authority.issue('ada');
  const asking: TlsOptions = { ...good, requestCert: true, ca: authority.certificate };

  it('is shown to the server from its usual place', async () => {
    put('postgresql.crt', client.certificate, 0o644);
    put('postgresql.key', client.key);
    await expect(shakeHands(await choose('sslmode=require'), asking)).resolves.toBe('ada');
    const without = await choose('sslmode=require sslcertmode=disable');
    await expect(shakeHands(without, { ...asking, rejectUnauthorized: false })).resolves.toBeUndefined();
  });

  it('is taken from the configuration, which beats the URL', async () => {
    const tls = {
      mode: 'verify-full',
      ca: anchor,
      cert: put('c.pem', client.certificate),
      key: put('k.pem', client.key),
    } as const;
    const target = parseTarget(`postgresql://u@${NAME}/?sslmode=disable`, { env: { HOME: home }, tls });
    await expect(shakeHands(await target.tls({ host: NAME, port: 5432 }), asking)).resolves.toBe('ada');
  });

  it.each([
    ['that others can read', () => put('postgresql.key', client.key, 0o640), 'can be read by others'],
    ['that is missing', () => undefined, 'cannot be read'],
    ['that is encrypted', () => put('postgresql.key', encryptedKey()), 'is encrypted'],
    ['of another certificate', () => put('postgresql.key', server.key), 'cannot be used together'],
    ['that is no key', () => put('postgresql.key', 'nonsense'), 'cannot be used together'],
  ])('is refused with a key %s', async (_, prepare, message) => {
    put('postgresql.crt', client.certificate);
    prepare();
    await expect(choose('sslmode=require')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });
});

describe('TLS', () => {
  it('is not used on a socket, nor when it is disabled', async () => {
    expect(await choose('host=/run/postgresql sslmode=verify-full')).toMatchObject({ mode: 'disable' });
    expect(await choose('sslmode=disable')).toMatchObject({ mode: 'disable' });
  });

  it('is of version 1.2 at least, and of no lower one than asked for', async () => {
    const old: TlsOptions = { ...good, maxVersion: 'TLSv1.2' };
    await expect(
      shakeHands(await choose('sslmode=require ssl_min_protocol_version=TLSv1'), old),
    ).resolves.toBeUndefined();
    const strict = await choose('sslmode=require ssl_min_protocol_version=TLSv1.3');
    await expect(shakeHands(strict, old)).rejects.toThrow('version');
  });

  it('names the server to it, unless that is not wanted', async () => {
    expect((await choose('sslmode=require')).options.servername).toBe(NAME);
    expect((await choose('sslmode=require sslsni=0')).options.servername).toBe('');
  });

  it.each([
    ['sslmode=verify-ca', 'needs a root certificate'],
    ['sslmode=require sslrootcert=/nonexistent/ca.pem', 'sslrootcert cannot be read'],
    [`sslmode=verify-ca sslrootcert=${anchor} sslcrl=/nonexistent/crl.pem`, 'sslcrl cannot be read'],
  ])('is refused with %s rather than weakened', async (parameters, message) => {
    await expect(choose(parameters)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['sslrootcert=system sslmode=require', 'too weak for sslrootcert=system'],
    ['sslnegotiation=direct', 'too weak for sslnegotiation=direct'],
    ['sslmode=require channel_binding=require', 'needs sslmode=verify-full'],
    ['ssl_max_protocol_version=TLSv1.1', 'leaves no version'],
    ['ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2', 'leaves no version'],
  ])('is refused with %s before anything is read', (parameters, message) => {
    expect(() => parseTarget(`host=h user=u ${parameters}`, { env: {} })).toThrow(message);
  });
});
