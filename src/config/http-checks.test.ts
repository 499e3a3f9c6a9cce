import { expect, it } from 'vitest';
import { findHttpWarnings } from './http-checks.ts';
import { Config } from './schema.ts';

const KEY = { id: 'abcdefghijkl', hash: `sha256:${'a'.repeat(64)}`, roles: ['dba'] };
const metricsAt = (listen: string) => Config.parse({ telemetry: { metrics: { listen } } });

it.each(['0.0.0.0:9100', '[::]:9100', '10.1.2.3:9100', 'metrics.internal:9100'])(
  'warns of metrics that everyone who reaches %s may read',
  (listen) => {
    expect(findHttpWarnings(metricsAt(listen), false)).toEqual([
      expect.stringContaining(`whoever reaches ${listen} may read /metrics`),
    ]);
  },
);

it.each(['off', '127.0.0.1:9100', '[::1]:0', 'localhost:9100'])('takes metrics at %s as they are', (listen) => {
  expect(findHttpWarnings(metricsAt(listen), false)).toEqual([]);
});

it('warns where http is configured and nobody may call there', () => {
  expect(findHttpWarnings(Config.parse({}), true)).toEqual([expect.stringMatching(/^auth lets nobody call: .*\.$/)]);
  expect(findHttpWarnings(Config.parse({}), false)).toEqual([]);
  expect(findHttpWarnings(Config.parse({ auth: { anonymous: { persona: 'viewer' } } }), true)).toEqual([]);
  expect(findHttpWarnings(Config.parse({ auth: { api_keys: [KEY] } }), true)).toEqual([]);
});

it.each(['0.0.0.0/0', '::/0', '0.0.0.0/00', '10.1.2.3/0', '::ffff:0:0/96', '::/1'])(
  'refuses %s as the network of proxies, and takes it as that of a key',
  (network) => {
    const proxies = Config.safeParse({ http: { listen: '0.0.0.0:1', trusted_proxies: ['10.0.0.0/8', network] } });
    expect(proxies.error?.issues).toMatchObject([
      { path: ['http', 'trusted_proxies', 1], message: expect.stringMatching(/^names everyone/) },
    ]);
    expect(Config.safeParse({ auth: { api_keys: [{ ...KEY, networks: [network] }] } }).success).toBe(true);
  },
);

it('takes networks of proxies that are not everyone, and says once what is no network', () => {
  expect(Config.safeParse({ http: { trusted_proxies: ['10.0.0.0/8', '::1', 'fd00::/8', '127.0.0.1'] } }).success).toBe(
    true,
  );
  expect(Config.safeParse({ http: { trusted_proxies: ['proxy'] } }).error?.issues).toHaveLength(1);
});
