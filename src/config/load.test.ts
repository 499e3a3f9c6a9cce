import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { failure, useConfigFile } from '../../test/config-file.ts';
import { Secret } from '../core/secret.ts';
import type { Problem } from './problem.ts';
import { showConfig } from './show.ts';
import type { Environment } from './substitution.ts';

const { load, pathOf } = useConfigFile();

/** `path message` of each problem. */
async function problemsOf(text: string, env: Environment = {}): Promise<string[]> {
  const { code, details } = await failure(load(text, env));
  expect(code).toBe('CONFIG_INVALID');
  return (details as { problems: Problem[] }).problems.map(({ path, message }) => `${path} ${message}`);
}

const change = (holder: object, key: string) => Reflect.set(holder, key, 'changed');

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
    logins:
      reader: { user: shop_reader, password: "\${SHOP_PASSWORD}" }
      plain: { user: shop_plain }
  stock:
    url: \${STOCK_URL}
    password: { file: ~/stock.password }
    tls: { ca: system }
    pgbouncer:
      main: { url: "postgresql://stats@pooler:6432", password: "\${SHOP_PASSWORD}", tls: { ca: certs/ca.pem } }
default_server: shop
stdio: { persona: support }
personas:
  support:
    tools: { allow: ["area:tables"] }
    limits: { rows: 50, plan_cost: 1e6 }
    login: reader
    instructions: |
      Ask before you count.
    purpose: required
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
      auth: { api_keys: [], cancel_revoked: true, oidc: [] },
      servers: {
        shop: {
          url: '[redacted]',
          password: '[redacted]',
          tls: { mode: 'verify-full', ca: pathOf('certs/ca.pem') },
          logins: { reader: { user: 'shop_reader', password: '[redacted]' }, plain: { user: 'shop_plain' } },
          pooling: 'transaction',
          databases: ['shop', 'shop_*'],
          connections: 7,
          pgbouncer: {},
        },
        stock: {
          url: '[redacted]',
          password: { file: '/home/ada/stock.password' },
          tls: { ca: 'system' },
          logins: {},
          pooling: 'session',
          databases: ['*'],
          connections: 4,
          pgbouncer: { main: { url: '[redacted]', password: '[redacted]', tls: { ca: pathOf('certs/ca.pem') } } },
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
          data: { deny: [], mask: {}, allow: [], functions: [] },
          limits: { rows: 50, plan_cost: 1_000_000 },
          login: 'reader',
          instructions: 'Ask before you count.\n',
          purpose: 'required',
        },
      },
      queries: {},
      grants: { longest: '24h' },
      mcp: { surface: 'full' },
      store: { embedded: true },
      secrets: { previous: [] },
      audit: {
        directory: '/var/log/howdah',
        on_unavailable: 'refuse',
        retention: 'forever',
        spool_limit: 256,
        purpose: 'optional',
      },
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
  const { config, warnings } = await load(text, { SHOP_PASSWORD: 'x', PGBOUNCER_STATS_PASSWORD: 'y' });
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
  const pooler = '{ url: "postgresql://stats@p:6432", password: { env: STATS_PW } }';
  expect(await problemsOf(`servers: { shop: { url: "postgresql://", pgbouncer: { main: ${pooler} } } }`)).toEqual([
    'servers.shop.pgbouncer.main.password.env names an environment variable that is not set; set it',
  ]);
});

it('says how a pooler is written to who has left out its name', async () => {
  const pooler = '{ url: "postgresql://stats@p:6432", password: opensesame }';
  const problems = await problemsOf(`servers: { shop: { url: "postgresql://", pgbouncer: ${pooler} } }`);
  expect(problems[0]).toBe(
    'servers.shop.pgbouncer.url must be a mapping, not text. A PgBouncer, by a name of your choice: `main: { url: … }`.',
  );
  expect(problems.join()).not.toContain('opensesame');
});

const withLogins = (logins: string) => `servers: { shop: { url: "postgresql://m@h/d", logins: ${logins} } }`;

it('names what is wrong with logins of a server, all at once, and warns of a password that stands in the file', async () => {
  const wrong = withLogins(
    '{ Reader: { user: a }, b: { user: "", pasword: x }, c: { user: c, password: { env: NOT_SET } }, d: {} }',
  );
  await expect(load(wrong)).rejects.toThrow(
    /servers\.shop\.logins\.Reader[^]*logins\.b\.user is empty[^]*logins\.b\.pasword is an unknown key; did you mean `password`[^]*logins\.d\.user is missing/,
  );
  await expect(load(withLogins('{ c: { user: c, password: { env: NOT_SET } } }'))).rejects.toThrow(
    'servers.shop.logins.c.password.env names an environment variable that is not set',
  );
});
