import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlatformError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { loadConfig } from './load.ts';
import type { Problem } from './problem.ts';
import { showConfig } from './show.ts';
import type { Environment } from './substitution.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'howdah-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function write(text: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(directory, 'howdah.yaml');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function load(text: string | Uint8Array, env: Environment = {}) {
  return loadConfig({ path: await write(text), env });
}

async function failure(loading: Promise<unknown>): Promise<PlatformError> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof PlatformError) return error;
  throw new Error('the configuration was accepted', { cause: error });
}

/** `path message` of each problem. */
async function problemsOf(text: string, env: Environment = {}): Promise<string[]> {
  const { code, details } = await failure(load(text, env));
  expect(code).toBe('CONFIG_INVALID');
  return (details as { problems: Problem[] }).problems.map(({ path, message }) => `${path} ${message}`);
}

const change = (holder: object, key: string) => Reflect.set(holder, key, 'changed');

async function warningsOf(server: string, mode: number) {
  const path = await write(`servers: { shop: { ${server} } }`, mode);
  return (await loadConfig({ path, env: { PW: 'x' } })).warnings;
}

async function loadEnvironment(env: Environment) {
  const { config, source } = await loadConfig({ env });
  const { url, password } = config.servers['default'] ?? {};
  return [source, url?.reveal(), password instanceof Secret ? password.reveal() : password];
}

describe('a whole file', () => {
  const text = `
servers:
  shop:
    url: postgresql://monitor@db.example.org/shop
    password: \${SHOP_PASSWORD}
    tls: { mode: verify-full, ca: certs/ca.pem }
    pooling: transaction
    databases: ["shop", "shop_*"]
    connections: \${CONNECTIONS}
  stock:
    url: \${STOCK_URL}
    password: { file: ~/stock.password }
    tls: { ca: system }
default_server: shop
stdio: { persona: support }
personas:
  support:
    tools: { allow: ["area:tables"] }
    limits: { rows: 50 }
audit: { directory: /var/log/howdah }
telemetry:
`;
  const env = {
    SHOP_PASSWORD: 'pa"ss: {word}\nservers: {}\n# ${HOME}',
    CONNECTIONS: '7',
    STOCK_URL: 'postgresql://monitor:verysecret@stock/db',
    HOME: '/home/ada',
  };

  it('is read with its defaults, and paths are as seen from the file', async () => {
    const { config, warnings } = await load(text, env);
    expect(warnings).toEqual([]);
    expect(showConfig(config)).toEqual({
      http: {
        listen: '127.0.0.1:7432',
        trusted_proxies: [],
        allowed_hosts: [],
        allowed_origins: [],
        requests_per_minute: 6000,
      },
      auth: { api_keys: [] },
      servers: {
        shop: {
          url: '[redacted]',
          password: '[redacted]',
          tls: { mode: 'verify-full', ca: join(directory, 'certs/ca.pem') },
          pooling: 'transaction',
          databases: ['shop', 'shop_*'],
          connections: 7,
        },
        stock: {
          url: '[redacted]',
          password: { file: '/home/ada/stock.password' },
          tls: { ca: 'system' },
          pooling: 'session',
          databases: ['*'],
          connections: 4,
        },
      },
      default_server: 'shop',
      stdio: { persona: 'support' },
      personas: {
        support: {
          priority: 0,
          tools: { allow: ['area:tables'], deny: [] },
          servers: { allow: ['*'], deny: [] },
          databases: { allow: ['*/*'], deny: [] },
          limits: { rows: 50 },
        },
      },
      audit: { directory: '/var/log/howdah' },
      telemetry: { log_level: 'warn', metrics: { listen: '127.0.0.1:7433' } },
    });
  });

  it('takes a variable as it is, whatever YAML or references its value has', async () => {
    const { config } = await load(text, env);
    const password = config.servers['shop']?.password;
    expect(password instanceof Secret && password.reveal()).toBe(env.SHOP_PASSWORD);
    expect(config.servers['stock']?.url.reveal()).toBe(env.STOCK_URL);
  });

  it('shows no secret, however it is printed', async () => {
    const { config } = await load(text, env);
    for (const shown of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      String(config.servers['shop']?.url),
    ]) {
      expect(shown).not.toMatch(/verysecret|pa"ss|pa\\"ss|example\.org/);
    }
  });

  it('is frozen all the way down', async () => {
    const { config } = await load(text, env);
    expect(change(config.servers, 'new')).toBe(false);
    expect(change(config.servers['shop']?.databases ?? {}, '0')).toBe(false);
    expect(change(config.personas['support']?.tools.allow ?? {}, '0')).toBe(false);
  });

  it('has no servers or personas but its own', async () => {
    const { config } = await load(text, env);
    expect(config.servers['constructor']).toBeUndefined();
    expect(config.personas['toString']).toBeUndefined();
  });
});

it('takes the file of the guide', async () => {
  const guide = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const [, text = ''] = /```yaml\n(servers:[^]*?)```/.exec(guide) ?? [];
  const { config, warnings } = await load(text, { SHOP_PASSWORD: 'x' });
  expect(Object.keys(config.servers)).toEqual(['shop', 'reports']);
  expect(warnings).toEqual([]);
});

it('takes an empty file for a configuration of nothing', async () => {
  const { config } = await load('# nothing yet\n');
  expect(config.servers).toEqual({});
  expect(config.stdio.persona).toBe('dba');
});

describe('problems', () => {
  it('are all told at once, each with its path and what to do', async () => {
    expect(
      await problemsOf(`
serverz: {}
servers:
  Shop: { url: "postgresql://a/b" }
  shop:
    url: mysql://root@db/shop
    pasword: x
    pooling: sesion
    connections: 0
    databases: ["shop-**", 5]
    tls: { cert: c.pem }
  stock: { password: { file: a, env: HOME } }
  bare:
default_server: [shop]
telemetry: { log_level: verbose }
personas:
  support: { tools: { allow: "*" }, limits: { statement_timeout: soon, bytes: 1 parsec } }
connections: {}
`),
    ).toEqual([
      'servers.Shop has a name that cannot be used; a name is a lower-case letter, then up to 62 lower-case letters, digits, _ or -',
      'servers.shop.url is not a connection URL; write postgresql://user@host:5432/database',
      'servers.shop.tls has only one of cert and key; a client certificate needs both',
      'servers.shop.pooling must be one of session, transaction',
      'servers.shop.databases[0] has "**"; one * stands for any run of characters already',
      'servers.shop.databases[1] must be text, not a number; put it in quotes',
      'servers.shop.connections must be at least 1',
      'servers.shop.pasword is an unknown key; did you mean `password`?',
      'servers.stock.url is missing. Connection URL, or a connection string as libpq has it. `postgresql://` takes all from the PG* variables.',
      'servers.stock.password needs exactly one of env, file and command',
      'servers.bare is missing. A PostgreSQL server.',
      'default_server must be text, not a list. Server of a call that names none.',
      'personas.support.tools.allow must be a list, not text. Patterns of which one must match.',
      'personas.support.limits.bytes is not in the expected form. Size that one answer may have, such as 1MiB.',
      'personas.support.limits.statement_timeout is not in the expected form. How long one call may take, such as 15s.',
      'telemetry.log_level must be one of debug, info, warn, error',
      'serverz is an unknown key; did you mean `servers`?',
      'connections is no key; write servers: { <name>: { url: … } }',
    ]);
  });

  it('make one error that lists them', async () => {
    const { message, hint } = await failure(load('a: 1\nb: 2'));
    expect(message).toMatch(/howdah\.yaml has 2 problems:\n {2}a is an unknown key; .*\n {2}b is an unknown key/);
    expect(hint).toContain('howdah config schema');
  });

  it('are counted beyond the first hundred', async () => {
    const { message, details } = await failure(load(Array.from({ length: 150 }, (_, i) => `k${i}: 1`).join('\n')));
    expect(message).toContain('has 150 problems');
    expect(message).toContain('and 50 more');
    expect(details?.['problems']).toHaveLength(100);
  });

  it.each([
    ['default_server: shop', 'default_server names no server; there are: (none)'],
    [
      'servers: { shop: { url: "postgresql://" } }\ndefault_server: shopp',
      'default_server names no server; did you mean `shop`?',
    ],
    ['default_server: constructor', 'default_server names no server; there are: (none)'],
    ['stdio: { persona: analist }', 'stdio.persona names no persona; did you mean `analyst`?'],
    ['auth: { anonymous: { persona: vewer } }', 'auth.anonymous.persona names no persona; did you mean `viewer`?'],
  ])('include names of what is not there: %s', async (text, problem) => {
    expect(await problemsOf(text)).toEqual([problem]);
  });

  it('do not show a secret that stands where a name should', async () => {
    const [first = '', second = ''] = await problemsOf(
      'servers: { "postgresql://u:opensesame@h/d": {} }\n"pw opensesame": 1',
    );
    expect(first).toMatch(/^servers\.\(not a name\) has a name that cannot be used/);
    expect(second).toMatch(/^\(not a name\) is an unknown key; the keys are http, servers, /);
  });

  it('include a root that is no mapping', async () => {
    expect(await problemsOf('- a\n- b')).toEqual([' must be a mapping, not a list']);
    expect(await problemsOf('just text')).toEqual([' must be a mapping, not text']);
  });
});

describe('${NAME}', () => {
  it('must name a variable that is set, and says where it stands', async () => {
    expect(
      await problemsOf('servers: { shop: { url: "postgresql://${DB_HOST}/${DB_NAME}" } }\nserverz: 1', {
        DB_NAME: 'shop',
      }),
    ).toEqual([
      'servers.shop.url needs the environment variable DB_HOST, which is not set; set it or write the value',
      'serverz is an unknown key; did you mean `servers`?',
    ]);
  });

  it('does not find what every object inherits', async () => {
    expect(await problemsOf('default_server: ${constructor}')).toEqual([
      'default_server needs the environment variable constructor, which is not set; set it or write the value',
    ]);
  });

  it('has no other form, and a refusal does not show what stands there', async () => {
    for (const text of ['hunter${2', 'x${hunter-2}', '${}', '${HOME:-hunter2}']) {
      expect(
        await problemsOf(`servers: { shop: { url: "postgresql://", password: "${text}" } }`, { HOME: '/' }),
      ).toEqual([
        'servers.shop.password has "${" without the name of a variable; write ${NAME}, or $${ for the characters ${',
      ]);
    }
  });

  it('is written $${ when it is no reference', async () => {
    const { config } = await load('servers: { shop: { url: "postgresql://", password: "a$${X}$b$" } }');
    const password = config.servers['shop']?.password;
    expect(password instanceof Secret && password.reveal()).toBe('a${X}$b$');
  });

  it('makes a number only where one belongs', async () => {
    const { config } = await load(
      'servers: { shop: { url: "postgresql://", password: "${PIN}", connections: "${N}" } }',
      {
        PIN: '0042',
        N: '12',
      },
    );
    const { password, connections } = config.servers['shop'] ?? {};
    expect(password instanceof Secret && password.reveal()).toBe('0042');
    expect(connections).toBe(12);
  });

  it('may not be empty where text is needed', async () => {
    expect(await problemsOf('servers: { shop: { url: "postgresql://", password: "${PW}" } }', { PW: '' })).toEqual([
      expect.stringMatching(/^servers\.shop\.password is empty/),
    ]);
  });
});

it('refuses a password from a variable that is not set', async () => {
  expect(await problemsOf('servers: { shop: { url: "postgresql://", password: { env: SHOP_PW } } }')).toEqual([
    'servers.shop.password.env names an environment variable that is not set; set it',
  ]);
});

describe('a file that everyone may read', () => {
  it.each([
    'url: "postgresql://app:opensesame@h/d"',
    'url: "postgresql://h/d?password=opensesame"',
    'url: "host=h password=opensesame"',
    'url: "postgresql://h/d", password: opensesame',
    'url: "postgresql://h/d", password: "x${PW}"',
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
  ])('is fine without one: %s', async (keys) => {
    expect(await warningsOf(keys, 0o644)).toEqual([]);
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['no-such.yaml', 'does not exist; give the path of a file'],
    ['.', 'is a directory; give the path of a file'],
  ])('says why: %s', async (name, reason) => {
    expect((await failure(loadConfig({ path: join(directory, name), env: {} }))).message).toContain(reason);
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

describe('a file that everyone may change', () => {
  it('is warned of, since whoever changes it says who may do what', async () => {
    const path = await write('servers: {}', 0o666);
    expect((await loadConfig({ path, env: {} })).warnings).toEqual([
      `${path} may be changed by every user of this machine; run chmod o-w.`,
    ]);
    expect((await loadConfig({ path: await write('servers: {}', 0o664), env: {} })).warnings).toEqual([]);
  });
});
