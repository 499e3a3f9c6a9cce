import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../core/secret.ts';
import { readPassword } from './password-source.ts';

const base = mkdtempSync(join(tmpdir(), 'howdah-password-'));
afterAll(() => rmSync(base, { recursive: true }));
const env = { PATH: '/usr/bin:/bin', SHOP: 'from-env' };

describe('a password source', () => {
  it('may be the password itself', async () => {
    expect(await readPassword(new Secret('p'), env)).toBe('p');
  });

  it('may be a variable', async () => {
    expect(await readPassword({ env: 'SHOP' }, env)).toBe('from-env');
  });

  it('may be a file, which is read again each time and whose last line break does not count', async () => {
    const file = join(base, 'secret');
    writeFileSync(file, ' first \n');
    expect(await readPassword({ file }, env)).toBe(' first ');
    writeFileSync(file, 'second\r\n');
    expect(await readPassword({ file }, env)).toBe('second');
  });

  it('may be a command, whose arguments no shell reads', async () => {
    expect(await readPassword({ command: ['printf', '%s\n', '$(id) `id` "x"; y'] }, env)).toBe('$(id) `id` "x"; y');
    expect(await readPassword({ command: ['sh', '-c', 'echo "$SHOP"'] }, env)).toBe('from-env');
  });

  it.each([
    ['a variable that is not set', { env: 'ABSENT' }, 'The environment variable ABSENT gives no password.'],
    [
      'a file that is not there',
      { file: '/nonexistent/secret' },
      'The password file /nonexistent/secret cannot be read.',
    ],
    ['an empty file', { file: '/dev/null' }, 'The file /dev/null gives no password.'],
    ['a command that prints nothing', { command: ['true'] }, 'The password command true gives no password.'],
    ['a command that fails', { command: ['sh', '-c', 'exit 7'] }, 'The password command sh ended with exit code 7.'],
    ['a command that is not there', { command: ['/nonexistent/x'] }, 'could not be run (ENOENT)'],
    ['a command that prints too much', { command: ['yes'] }, 'could not be run (ERR_CHILD_PROCESS_STDIO_MAXBUFFER)'],
  ])('fails with %s', async (_, source, message) => {
    await expect(readPassword(source, env)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });

  it('shows neither the arguments of the command nor what it printed', async () => {
    const script = join(base, 'vault');
    writeFileSync(script, '#!/bin/sh\necho "seCret out"\necho "seCret err" >&2\nexit 1\n');
    chmodSync(script, 0o700);
    const failure = await readPassword({ command: [script, '--token', 'seCret'] }, env).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('seCret');
  });
});
