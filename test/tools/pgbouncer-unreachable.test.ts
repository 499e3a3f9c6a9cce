/** Poolers that cannot be asked, and servers without any. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tools } from '../../src/tools/catalog.gen.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../pgbouncer.ts';
import { newestCluster } from '../postgres/each-major.ts';
import { openStallingProxy } from '../stalling-proxy.ts';
import { partOf, useHowdahs } from './poolers.ts';

const USERS = { stats: 'Tr0ub4dor', other: 'other' };

describe.skipIf(!hasPgBouncer)('a pooler', () => {
  const cluster = newestCluster();
  const open = useHowdahs();
  let bouncer: PgBouncer;
  const consoleUrl = () => bouncer.urlOf('stats', 'pgbouncer');
  beforeAll(async () => {
    bouncer = await startPgBouncer(cluster, { users: USERS, settings: { stats_users: 'stats' } });
  });
  afterAll(() => bouncer.stop());

  it('that cannot be asked costs one line of what the others tell', async () => {
    const poolers = { main: consoleUrl(), spare: 'postgres://stats:Tr0ub4dor@127.0.0.1:1/pgbouncer' };
    const both = await open({ url: cluster.monitorUrl, poolers });
    const answer = await both.call('pgbouncer_pools');
    expect(partOf(answer, 'poolers').map(({ pooler }) => pooler)).toEqual(['main']);
    expect(answer.not_examined).toEqual([
      {
        what: 'the PgBouncer "spare"',
        reason: '127.0.0.1:1 refuses connections: nothing listens there.',
        remedy: 'Check that PgBouncer runs, and its listen_addr and listen_port.',
      },
    ]);
    const { server: name } = answer;
    const { poolers: known = [] } = both.platform.deps.fleet.server(String(name)) ?? {};
    expect(known.map((pooler) => pooler.health().state)).toEqual(['reachable', 'unreachable']);
    expect(await both.attempt('pgbouncer_pools', { pooler: 'spare' })).toMatchObject({
      error: {
        code: 'SERVER_UNREACHABLE',
        message: 'The PgBouncer "spare" cannot be asked: 127.0.0.1:1 refuses connections: nothing listens there.',
      },
    });
    expect(await both.attempt('pgbouncer_pools', { pooler: 'spar' })).toMatchObject({
      error: { code: 'NOT_FOUND', hint: 'Did you mean "spare"? Poolers: main, spare.' },
    });
  });

  it('that does not answer is told of in words and without a password, and has not the whole time', async () => {
    const proxy = await openStallingProxy(consoleUrl());
    try {
      const stalled = await open({ url: cluster.monitorUrl, poolers: { main: consoleUrl(), hanging: proxy.url } });
      expect((await stalled.call('pgbouncer_pools')).not_examined).toBeUndefined();
      proxy.stall();
      const { not_examined } = await stalled.call('pgbouncer_pools', { timeout_s: 1 });
      expect(not_examined).toMatchObject([
        { what: 'the PgBouncer "hanging"', reason: expect.stringMatching(/did not answer within \d{3} ms\.$/) },
      ]);
      expect(JSON.stringify(not_examined)).not.toContain('Tr0ub4dor');
    } finally {
      proxy.close();
    }
  });

  it('tells who may use its console', async () => {
    const poolers = { main: bouncer.urlOf('other', 'pgbouncer') };
    expect(await (await open({ url: cluster.monitorUrl, poolers })).attempt('pgbouncer_pools')).toMatchObject({
      error: {
        code: 'SERVER_UNREACHABLE',
        message: expect.stringContaining('not allowed'),
        hint: expect.stringContaining('stats_users'),
      },
    });
  });
});

describe('a server before which no pooler is configured', () => {
  const open = useHowdahs();
  const ofPooler = tools.filter(({ area }) => area === 'pgbouncer').map(({ name }) => name);

  it.each(ofPooler)(
    'does not support %s, says how one is named, and has nothing that a health check could miss',
    async (name) => {
      const howdah = await open({ url: 'postgres://monitor@127.0.0.1:1/shop', poolers: {} });
      expect(await howdah.attempt(name)).toMatchObject({
        ok: false,
        error: {
          code: 'UNSUPPORTED',
          hint: expect.stringContaining('servers.default.pgbouncer.main.url'),
          details: { not_applicable: true },
        },
      });
    },
  );
});
