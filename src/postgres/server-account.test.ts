import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assertEnterable, serverAccount } from './server-account.ts';

const directory = mkdtempSync(join(tmpdir(), 'howdah-account-'));
afterAll(() => rmSync(directory, { recursive: true }));

function passwd(...lines: string[]): string {
  const file = join(directory, 'passwd');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('the account that PostgreSQL runs as', () => {
  const root = 'root:x:0:0:root:/root:/bin/sh';
  const nobody = 'nobody:x:65534:65533::/:/bin/false';

  it('is ourselves when we are not root', () => {
    expect(serverAccount(1000, passwd(root, nobody))).toBeUndefined();
  });

  it('is nobody when we are root', () => {
    expect(serverAccount(0, passwd(root, 'daemon:x:1:1::/:/bin/false', nobody))).toEqual({ uid: 65_534, gid: 65_533 });
  });

  it('is a user made for it, if there is one', () => {
    expect(serverAccount(0, passwd(root, nobody, 'howdah:x:990:991::/:/bin/false'))).toEqual({ uid: 990, gid: 991 });
  });

  it('is anybody but root where no name is known', () => {
    expect(serverAccount(0, passwd(root, 'toor:x:0:0::/:/bin/sh', 'ada:x:1000:1000::/:/bin/sh'))).toEqual({
      uid: 1000,
      gid: 1000,
    });
  });

  it('cannot be found where there is only root', () => {
    expect(() => serverAccount(0, passwd(root))).toThrow('does not run as root');
  });
});

describe('a place that the account must reach', () => {
  const account = { uid: 64_321, gid: 64_321 };

  it('is fine when every directory on the way lets others through', async () => {
    chmodSync(directory, 0o711);
    mkdirSync(join(directory, 'open'));
    await expect(assertEnterable(join(directory, 'open'), account)).resolves.toBeUndefined();
  });

  it('is refused by the name of the first directory that does not', async () => {
    const closed = join(directory, 'closed');
    mkdirSync(join(closed, 'inner'), { recursive: true });
    chmodSync(closed, 0o700);
    await expect(assertEnterable(join(closed, 'inner'), account)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `PostgreSQL runs as user 64321, who may not enter ${closed} on the way to ${closed}/inner.`,
      hint: expect.stringContaining(`chmod o+x ${closed}`),
    });
  });
});
