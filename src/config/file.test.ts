import { describe, expect, it } from 'vitest';
import { failure, useConfigFile } from '../../test/config-file.ts';
import { loadConfig } from './load.ts';

const { write, load, pathOf } = useConfigFile();

async function warningsOf(server: string, mode: number) {
  const path = await write(`servers: { shop: { ${server} } }`, mode);
  return (await loadConfig({ path, env: { PW: 'x' } })).warnings;
}

describe('a file that everyone may read', () => {
  it.each([
    'url: "postgresql://app:opensesame@h/d"',
    'url: "postgresql://h/d?password=opensesame"',
    'url: "host=h password=opensesame"',
    'url: "postgresql://h/d", password: opensesame',
    'url: "postgresql://h/d", password: "x${PW}"',
    'url: "postgresql://h/d", pgbouncer: { main: { url: "postgresql://stats:opensesame@p" } }',
    'url: "postgresql://h/d", pgbouncer: { main: { url: "postgresql://stats@p", password: opensesame } }',
  ])('is warned of when it holds a password: %s', async (keys) => {
    const warnings = await warningsOf(keys, 0o644);
    expect(warnings).toEqual([expect.stringMatching(/every user of this machine may read it/)]);
    expect(warnings[0]).not.toContain('opensesame');
    expect(await warningsOf(keys, 0o640)).toEqual([]);
  });

  it.each([
    'url: "postgresql://app:${PW}@h:5432/d"',
    'url: "postgresql://app@h:5432/d"',
    'url: "postgresql://h/d", password: "${PW}"',
    'url: "postgresql://h/d", password: { file: /run/secrets/pw }',
    'url: "postgresql://h/d", pgbouncer: { main: { url: "postgresql://stats@p", password: "${PW}" } }',
  ])('is fine without one: %s', async (keys) => {
    expect(await warningsOf(keys, 0o644)).toEqual([]);
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['no-such.yaml', 'does not exist; give the path of a file'],
    ['.', 'is a directory; give the path of a file'],
  ])('says why: %s', async (name, reason) => {
    expect((await failure(loadConfig({ path: pathOf(name), env: {} }))).message).toContain(reason);
  });

  it('is refused beyond 1 MiB, however large it is', async () => {
    expect((await failure(load('#'.repeat(1024 * 1024 + 1)))).message).toContain('is larger than 1 MiB');
    expect((await failure(loadConfig({ path: '/dev/zero', env: {} }))).message).toContain('is larger than 1 MiB');
    expect((await load('#'.repeat(1024 * 1024))).config.servers).toEqual({});
  });

  it('is refused in another encoding', async () => {
    expect((await failure(load(Buffer.from('default_server: x', 'utf16le')))).code).toBe('CONFIG_INVALID');
    expect((await failure(load(Uint8Array.of(0x23, 0xff)))).message).toContain('is not UTF-8');
  });
});

describe('a file that everyone may change', () => {
  it('is warned of, since whoever changes it says who may do what', async () => {
    const path = await write('servers: {}', 0o666);
    expect((await loadConfig({ path, env: {} })).warnings).toEqual([
      `${path} may be changed by every user of this machine; run chmod o-w.`,
    ]);
    expect((await loadConfig({ path: await write('servers: {}', 0o664), env: {} })).warnings).toEqual([]);
  });
});
