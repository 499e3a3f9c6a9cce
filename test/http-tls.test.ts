/** HTTPS of the listener itself. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, expect, it } from 'vitest';
import { createAuthority } from './certificates.ts';
import { call, dial, openSite, useSites, type Site } from './http-kit.ts';

const directory = mkdtempSync(join(tmpdir(), 'howdah-tls-'));
const authority = createAuthority('test authority');
const own = authority.issue('localhost', { dns: ['localhost'], ip: ['127.0.0.1'] });
const openOne = useSites();
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string, mode: number): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
const cert = write('cert.pem', own.certificate, 0o644);
const key = write('key.pem', own.key, 0o600);

const open = (tls: { cert: string; key: string }): Promise<Site> => openOne({ http: { tls } });

it('serves, and tells browsers to stay with it', async () => {
  const site = await open({ cert, key });
  expect(site.url).toMatch(/^https:/);
  const reply = await call(site, { ca: authority.certificate, headers: { origin: site.url } });
  expect(reply).toMatchObject({ status: 200, headers: { 'strict-transport-security': 'max-age=31536000' } });
});

it('names itself with https', async () => {
  const site = await open({ cert, key });
  const reply = await call(site, { ca: authority.certificate, headers: { authorization: '' } });
  expect(reply.headers['www-authenticate']).toContain(`resource_metadata="${site.url}/`);
});

it('refuses a page of the same host without encryption', async () => {
  const site = await open({ cert, key });
  const origin = site.url.replace('https', 'http');
  expect(await call(site, { ca: authority.certificate, headers: { origin } })).toMatchObject({ status: 403 });
});

it('speaks no TLS before 1.2', async () => {
  const { port } = await open({ cert, key });
  const code = await new Promise((resolve) => {
    // a security level of 0, or this client would not even offer it
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    connect({ port, host: '127.0.0.1', ca: authority.certificate, ...options }, () => resolve('connected')).on(
      'error',
      (error: NodeJS.ErrnoException) => resolve(error.code),
    );
  });
  expect(code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});

it('does not wait for a handshake that never comes when it ends', async () => {
  const site = await open({ cert, key });
  await dial(site.port);
  const started = performance.now();
  await site.drain();
  expect(performance.now() - started).toBeLessThan(1000);
});

it.each([0o644, 0o640, 0o604, 0o660].filter((mode) => mode !== 0o640 || process.getuid?.() !== 0))(
  'OP-01: does not start with a key that others may read (%o)',
  async (mode) => {
    const open = write('open.pem', own.key, mode);
    await expect(openSite({ http: { tls: { cert, key: open } } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `http.tls.key: others may read ${open}.`,
      hint: expect.stringContaining('chmod 600'),
    });
  },
);

it.each([
  ['a key that is not there', cert, join(directory, 'none.pem'), /^http\.tls\.key: .*none\.pem does not exist\.$/],
  ['a certificate that is not there', join(directory, 'none.pem'), key, /^http\.tls\.cert: .* does not exist\.$/],
  ['a certificate of another key', write('other.pem', authority.certificate, 0o644), key, /cannot be used together/],
  ['what is no certificate', write('no.pem', 'no', 0o644), key, /cannot be used together/],
])('does not start with %s', async (_, badCert, badKey, message) => {
  await expect(openSite({ http: { tls: { cert: badCert, key: badKey } } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message),
  });
});

it('does not wait for a connection on which nobody has asked anything when it ends', async () => {
  const site = await open({ cert, key });
  const socket = connect({ port: site.port, host: '127.0.0.1', ca: authority.certificate });
  await once(socket, 'secureConnect');
  const started = performance.now();
  await site.drain();
  expect(performance.now() - started).toBeLessThan(1000);
  socket.destroy();
});
