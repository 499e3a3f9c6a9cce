import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../../src/config/schema.ts';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { Secret } from '../../src/core/secret.ts';
import { localPrincipal } from '../../src/identity/local-principal.ts';
import { writeInstructions } from '../../src/mcp/instructions.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import { openHowdah, openNarrowHowdah, type Howdah } from '../postgres/platform.ts';

/** A configuration of these servers, of which `only` are open to the persona `narrow`. */
function fleetOf(urls: Readonly<Record<string, string>>, { defaultServer, only = [] }: FleetOptions = {}) {
  return (config: Config): Config => {
    const [like] = Object.values(config.servers);
    if (!like) throw new Error('the configuration has no server');
    const servers = Object.entries(urls).map(([name, url]) => [name, { ...like, url: new Secret(url) }] as const);
    const narrow = PersonaSpec.parse({ tools: { allow: ['*'] }, servers: { allow: only } });
    return {
      ...config,
      servers: Object.fromEntries(servers),
      default_server: defaultServer,
      personas: { ...config.personas, narrow },
    };
  };
}

interface FleetOptions {
  readonly defaultServer?: string;
  readonly only?: readonly string[];
}

/** Nothing listens on the port 1 of this machine; the password must be shown nowhere. */
const PASSWORD = 'planted-word';
const DOWN = `postgres://howdah:${PASSWORD}@127.0.0.1:1/shop`;

describeEachMajor('list_servers', (cluster) => {
  let howdah: Howdah;
  beforeAll(async () => {
    const urls = { live: cluster.monitorUrl, 'we.ird': DOWN, idle: cluster.plainUrl };
    howdah = await openHowdah(cluster.monitorUrl, 'dba', fleetOf(urls, { defaultServer: 'live' }));
  });
  afterAll(() => howdah.close());

  it('contacts nobody, and says so', async () => {
    const answer = await howdah.call('list_servers');
    expect(answer.rows.map(({ server, default: byDefault, state }) => [server, byDefault, state])).toEqual([
      ['live', true, 'unknown'],
      ['we.ird', false, 'unknown'],
      ['idle', false, 'unknown'],
    ]);
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined?.map(({ what }) => what)).toEqual(['the state of 3 servers']);
    expect(howdah.platform.deps.fleet.server('live')?.health().state).toBe('unknown');
  });

  it('knows what the calls before it have found out', async () => {
    await howdah.call('server_overview', { server: 'live' });
    expect(await howdah.attempt('server_overview', { server: 'we.ird' })).toMatchObject({
      error: { code: 'SERVER_UNREACHABLE' },
    });
    const answer = await howdah.call('list_servers');
    expect(answer.rows[0]).toMatchObject({
      server: 'live',
      address: `monitor@${cluster.host}:${cluster.port}/postgres`,
      state: 'reachable',
      role: 'primary',
      version: expect.stringMatching(new RegExp(`^${cluster.major}\\.`)),
      problem: null,
    });
    expect(answer.rows[1]).toMatchObject({
      server: 'we.ird',
      address: 'howdah@127.0.0.1:1/shop',
      state: 'unreachable',
      role: null,
      version: null,
      problem: expect.any(String),
      contacted_at: expect.any(String),
    });
    expect(answer.findings).toEqual([expect.objectContaining({ severity: 'warning', object: 'we.ird' })]);
    expect(answer.not_examined?.map(({ what }) => what)).toEqual(['the state of 1 server']);
    expect(JSON.stringify(answer)).not.toContain(PASSWORD);
  });
});

describeEachStandby('list_servers', (cluster) => {
  it('tells a standby from its primary', async () => {
    const urls = { first: cluster.monitorUrl, second: cluster.standby.monitorUrl };
    const howdah = await openHowdah(cluster.monitorUrl, 'dba', fleetOf(urls));
    for (const server of Object.keys(urls)) await howdah.call('server_overview', { server });
    const { rows } = await howdah.call('list_servers');
    expect(rows.map(({ server, role, default: byDefault }) => [server, role, byDefault])).toEqual([
      ['first', 'primary', false],
      ['second', 'standby', false],
    ]);
    await howdah.close();
  });
});

it('names no server that the persona may not reach, nor counts it', async () => {
  const url = newestCluster().monitorUrl;
  const fleet = fleetOf({ open: url, closed: url }, { only: ['open'], defaultServer: 'closed' });
  const howdah = await openHowdah(url, 'narrow', fleet);
  const answer = await howdah.call('list_servers');
  expect(answer.rows.map(({ server, default: byDefault }) => [server, byDefault])).toEqual([['open', true]]);
  expect(answer.total).toBe(1);
  expect(JSON.stringify(answer)).not.toContain('closed');
  await howdah.close();
});

it('tells no persona of a default database that it may not open', async () => {
  const url = newestCluster().monitorUrl.replace(/\/postgres$/, '/payroll');
  const howdah = await openNarrowHowdah(url, 'postgres');
  const answer = await howdah.call('list_servers');
  expect(answer.rows[0]?.['address']).toMatch(/^monitor@[^/]+$/);
  const refused = await howdah.attempt('server_overview');
  expect(refused).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
  const { fleet, policy } = howdah.platform.deps;
  const persona = policy.personaFor(localPrincipal('narrow', 'tester'));
  if (!persona) throw new Error('there is no persona');
  const instructions = writeInstructions(fleet, persona, { tools: [], listed: [], withheld: 0 });
  expect(instructions).toContain(': monitor@');
  expect(JSON.stringify([answer, refused, instructions])).not.toContain('payroll');
  expect(await howdah.attempt('server_overview', { database: 'payroll' })).toMatchObject({
    error: { message: expect.stringContaining('"payroll"') },
  });
  await howdah.close();
});

it('cuts a long list, and says so', async () => {
  const names = Array.from({ length: 30 }, (_, i) => [`far-${i}`, DOWN]);
  const howdah = await openHowdah(DOWN, 'dba', fleetOf(Object.fromEntries(names)));
  const answer = await howdah.call('list_servers', { limit: 2 });
  expect(answer.rows.map(({ server }) => server)).toEqual(['far-0', 'far-1']);
  expect(answer).toMatchObject({ truncated: true, total: 30 });
  expect(await howdah.attempt('list_servers', { server: 'far-0' })).toMatchObject({
    error: { code: 'INVALID_INPUT' },
  });
  await howdah.close();
});

it('answers with no server at all', async () => {
  const howdah = await openHowdah(DOWN, 'dba', fleetOf({}));
  expect(await howdah.call('list_servers')).toEqual({ findings: [], rows: [], truncated: false, total: 0 });
  await howdah.close();
});
