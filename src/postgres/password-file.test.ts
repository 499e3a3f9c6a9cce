import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPasswordFile } from './password-file.ts';

const base = mkdtempSync(join(tmpdir(), 'howdah-pgpass-'));
afterAll(() => rmSync(base, { recursive: true }));
const login = { host: 'h', port: 5432, database: 'd', user: 'u' };

const noWarning = (message: string) => expect.fail(message);

async function read(text: string, wanted = login): Promise<string | undefined> {
  const file = join(base, 'pgpass');
  writeFileSync(file, text, { mode: 0o600 });
  return readPasswordFile(file, wanted, noWarning);
}

describe('a password file', () => {
  it.each([
    ['a line that fits', 'h:5432:d:u:p', 'p'],
    ['the first of two that fit', 'h:5432:d:u:first\n*:*:*:*:second', 'first'],
    ['wildcards', '*:*:*:*:p', 'p'],
    [
      'a line after others',
      '# h:5432:d:u:comment\n\nx:5432:d:u:no\nh:5433:d:u:no\nh:5432:x:u:no\nh:5432:d:x:no\nh:5432:d:u:p',
      'p',
    ],
    ['escaped colons and backslashes', String.raw`h:5432:d:u:a\:b\\c`, String.raw`a:b\c`],
    ['a password up to a further colon', 'h:5432:d:u:p:ignored', 'p'],
    ['a line that ends as on Windows', 'h:5432:d:u:p\r\n', 'p'],
    ['a password with spaces and quotes', `h:5432:d:u: it's "p" `, ` it's "p" `],
  ])('gives %s', async (_, text, password) => {
    expect(await read(text)).toBe(password);
  });

  it.each([
    ['a line with fewer fields', 'h:5432:d:u'],
    ['a wildcard within a field', 'h*:5432:d:u:p'],
    ['an escaped asterisk', String.raw`\*:5432:d:u:p`],
    ['an empty password', 'h:5432:d:u:'],
    ['an empty file', ''],
  ])('gives nothing for %s', async (_, text) => {
    expect(await read(text)).toBeUndefined();
  });

  it('matches names with colons, such as IPv6 addresses', async () => {
    expect(await read(String.raw`\:\:1:5432:d:u:p`, { ...login, host: '::1' })).toBe('p');
  });

  it('is not missed when it is not there', async () => {
    expect(await readPasswordFile(join(base, 'absent'), login, noWarning)).toBeUndefined();
  });

  it.each([0o640, 0o604, 0o660])('is not used, with a warning, with mode %o', async (mode) => {
    const file = join(base, `open-${mode}`);
    writeFileSync(file, '*:*:*:*:p', { mode });
    const warnings: string[] = [];
    expect(await readPasswordFile(file, login, (message) => warnings.push(message))).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(`chmod 600 ${file}`)]);
  });

  it('is not used, with a warning, when it is a directory; a link is followed', async () => {
    const directory = join(base, 'directory');
    mkdirSync(directory);
    const warnings: string[] = [];
    expect(await readPasswordFile(directory, login, (message) => warnings.push(message))).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('not a plain file')]);
    await read('*:*:*:*:linked');
    symlinkSync(join(base, 'pgpass'), join(base, 'link'));
    expect(await readPasswordFile(join(base, 'link'), login, () => undefined)).toBe('linked');
  });

  it('is read in time that grows with its size only', async () => {
    const start = performance.now();
    expect(await read(`${String.raw`\:\\`.repeat(200_000)}\n${'x:'.repeat(200_000)}\n*:*:*:*:p`)).toBe('p');
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
