import { expect, it } from 'vitest';
import { Config } from '../config/schema.ts';
import { configuredServers } from './configured-servers.ts';
import { openFleet } from './open-fleet.ts';

const ENV = { HOME: '/nonexistent', PGDATABASE: 'elsewhere' };

function fleetWith(pgbouncer: Readonly<Record<string, unknown>>, url = 'postgresql://monitor@db:5432/shop') {
  return openFleet(configuredServers(Config.parse({ servers: { shop: { url, pgbouncer } } }), { env: ENV }), undefined);
}

const poolersOf = (...args: Parameters<typeof fleetWith>) => fleetWith(...args).server('shop')?.poolers ?? [];

it('finds the console in the database pgbouncer, whether the URL names it or none', () => {
  const poolers = poolersOf({
    first: { url: 'postgresql://stats@pooler:6432/pgbouncer' },
    second: { url: 'host=pooler port=6433 user=stats' },
  });
  expect(poolers.map(({ name, address }) => [name, address])).toEqual([
    ['first', 'stats@pooler:6432/pgbouncer'],
    ['second', 'stats@pooler:6433/pgbouncer'],
  ]);
  expect(poolers[0]?.health()).toEqual({ state: 'unknown', at: null, problem: null, version: null });
});

it('knows whether the way to the server leads through a pooler', () => {
  const poolers = {
    first: { url: 'postgresql://stats@pooler:6432/pgbouncer' },
    second: { url: 'postgresql://stats@pooler:6433/pgbouncer' },
  };
  const onTheWay = (url: string) => poolersOf(poolers, url).map(({ isOnTheWay }) => isOnTheWay);
  expect(onTheWay('postgresql://monitor@pooler:6433/shop')).toEqual([false, true]);
  expect(onTheWay('postgresql://monitor@db:5432/shop')).toEqual([false, false]);
});

it.each([
  [
    'another database',
    'postgresql://stats:opensesame@pooler:6432/shop',
    /main\.url names a database.*write \/pgbouncer/,
  ],
  ['no port', 'postgresql://stats:opensesame@pooler:99999', /main\.url cannot be used: A port of the connection/],
])('refuses a URL with %s, by the path of its key and without its password', (_, url, message) => {
  let refusal: unknown;
  try {
    fleetWith({ main: { url } });
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ code: 'CONFIG_INVALID' });
  expect(String(refusal)).toMatch(message);
  expect(`${String(refusal)} ${JSON.stringify(refusal)}`).not.toContain('opensesame');
});
