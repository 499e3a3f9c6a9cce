import { describe, expect, it } from 'vitest';
import { failure } from '../../test/config-file.ts';
import { Secret } from '../core/secret.ts';
import { loadConfig } from './load.ts';
import type { Environment } from './substitution.ts';

async function loadEnvironment(env: Environment) {
  const { config, source } = await loadConfig({ env });
  const { url, password } = config.servers['default'] ?? {};
  return [source, url?.reveal(), password instanceof Secret ? password.reveal() : password];
}

describe('without a file', () => {
  it.each<[Environment, unknown[]]>([
    [
      { DATABASE_URL: 'postgres://a/b', PGHOST: 'h', POSTGRES_HOST: 'p' },
      ['DATABASE_URL', 'postgres://a/b', undefined],
    ],
    [{ DATABASE_URL: '', PGUSER: 'u', POSTGRES_HOST: 'p' }, ['PGUSER', 'postgresql://', undefined]],
    [{ PGSERVICE: 'shop' }, ['PGSERVICE', 'postgresql://', undefined]],
    [
      {
        POSTGRES_HOST: 'db',
        POSTGRES_PORT: '5433',
        POSTGRES_USER: 'a@b',
        POSTGRES_PASSWORD: 'p/w',
        POSTGRES_DB: 'my db',
      },
      ['POSTGRES_HOST', 'postgresql://a%40b@db:5433/my%20db', 'p/w'],
    ],
    [{ POSTGRES_DB: 'shop' }, ['POSTGRES_DB', 'postgresql://localhost/shop', undefined]],
    [{ POSTGRES_HOST: '::1' }, ['POSTGRES_HOST', 'postgresql://[::1]/', undefined]],
    [{ POSTGRES_HOST: '/run/pg' }, ['POSTGRES_HOST', 'postgresql://%2Frun%2Fpg/', undefined]],
    [{ PGPASSWORD: 'x', HOME: '/root' }, ['nothing', undefined, undefined]],
  ])('%j makes the server `default`', async (env, expected) => {
    expect(await loadEnvironment(env)).toEqual(expected);
  });

  it('takes a URL from the command line before the environment', async () => {
    const { config, source } = await loadConfig({ url: 'postgres://c/d', env: { DATABASE_URL: 'postgres://a/b' } });
    expect([source, config.servers['default']?.url.reveal(), config.default_server]).toEqual([
      'the command line',
      'postgres://c/d',
      'default',
    ]);
  });

  it('takes ${ in a URL for what it is', async () => {
    const { config } = await loadConfig({ url: 'postgres://a:${HOME}@h/d', env: {} });
    expect(config.servers['default']?.url.reveal()).toBe('postgres://a:${HOME}@h/d');
  });

  it('refuses a URL that is not for PostgreSQL, without showing it', async () => {
    const { message } = await failure(loadConfig({ env: { DATABASE_URL: 'mysql://root:opensesame@h/d' } }));
    expect(message).toBe(
      'DATABASE_URL has a problem:\n  is not a connection URL; write postgresql://user@host:5432/database',
    );
  });

  it('refuses a URL beside a file', async () => {
    expect((await failure(loadConfig({ path: 'a.yaml', url: 'postgres://h', env: {} }))).message).toContain(
      'leave one out',
    );
  });
});
