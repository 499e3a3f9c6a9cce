import { expect, it } from 'vitest';
import { findChanges } from './changes.ts';
import { Config } from './schema.ts';

const keyOf = (id: string, more = {}) => ({
  id: id.padEnd(12, '0'),
  hash: `sha256:${'a'.repeat(64)}`,
  roles: ['dba'],
  ...more,
});

const base = {
  servers: { shop: { url: 'postgresql://a@h/shop', password: 'one' }, stock: { url: 'postgresql://a@h/stock' } },
  personas: { support: { tools: { allow: ['query'] } }, sales: {} },
  auth: { api_keys: [keyOf('a'), keyOf('b', { tools: ['query'] })] },
};

const changes = (after: object) => findChanges(Config.parse(base), Config.parse({ ...base, ...after }));

it('finds nothing where the same is written in another order or with its defaults', () => {
  expect(
    changes({
      telemetry: { log_level: 'warn' },
      personas: { sales: { priority: 0 }, support: base.personas.support },
      auth: { api_keys: base.auth.api_keys.toReversed() },
    }),
  ).toEqual({ live: [], atRestart: [] });
});

it('names personas and keys that were added, changed or taken away', () => {
  expect(
    changes({
      personas: { support: { tools: { allow: ['*'] } }, leads: {} },
      auth: { api_keys: [keyOf('b', { tools: ['*'] }), keyOf('c')] },
    }),
  ).toEqual({
    live: [
      'personas.support',
      'personas.sales',
      'auth.api_keys.a00000000000',
      'auth.api_keys.b00000000000',
      'personas.leads',
      'auth.api_keys.c00000000000',
    ],
    atRestart: [],
  });
});

it('tells apart what counts at the next start, a password that differs among it, and shows no value', () => {
  const found = changes({
    servers: { shop: { ...base.servers.shop, password: 'opensesame' } },
    default_server: 'shop',
    auth: { ...base.auth, anonymous: { persona: 'viewer' } },
    http: { listen: '127.0.0.1:0' },
    personas: {},
  });
  expect(found).toEqual({
    live: ['personas.support', 'personas.sales', 'auth.anonymous'],
    atRestart: ['http.listen', 'servers.shop', 'servers.stock', 'default_server'],
  });
  expect(JSON.stringify(found)).not.toContain('opensesame');
});

it('counts a pooler as a part of its server', () => {
  const pgbouncer = { main: { url: 'postgresql://stats@pooler:6432', password: 'opensesame' } };
  const found = changes({ servers: { ...base.servers, shop: { ...base.servers.shop, pgbouncer } } });
  expect(found).toEqual({ live: [], atRestart: ['servers.shop'] });
});
