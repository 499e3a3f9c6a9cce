/** Poolers of a configuration file, as a client, the doctor and the list of servers see them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { executeCall } from '../src/calls/execute.ts';
import { loadConfig } from '../src/config/load.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform, type Platform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { tools } from '../src/tools/catalog.gen.ts';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from './pgbouncer.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { createStdioPlace } from './stdio-process.ts';

const POOLER_TOOLS = tools.filter(({ area }) => area === 'pgbouncer');

function call({ catalog, deps }: Platform, name: string, persona = 'dba') {
  return executeCall(
    {
      catalog,
      name,
      arguments: {},
      principal: localPrincipal(persona, 'ada'),
      origin: { transport: 'cli' },
      signal: new AbortController().signal,
    },
    deps,
  );
}

describe.skipIf(!hasPgBouncer)('poolers of a configuration file', () => {
  const cluster = newestCluster();
  const clone = useClone(cluster);
  let bouncer: PgBouncer;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'howdah-poolers-'));
    bouncer = await startPgBouncer(cluster, { users: { stats: 'Tr0ub4dor' }, settings: { stats_users: 'stats' } });
  });
  const opened: Platform[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((platform) => platform.close())));
  afterAll(async () => {
    await bouncer.stop();
    rmSync(directory, { recursive: true });
  });

  const passwordFile = () => join(directory, 'password');
  const fileWith = (poolers: string) =>
    `servers: { shop: { url: ${JSON.stringify(clone().monitorUrl)}, pgbouncer: { ${poolers} } } }`;
  const poolerAt = (port: number) =>
    `{ url: "postgresql://stats@127.0.0.1:${port}", password: { file: ${passwordFile()} } }`;

  async function openPlatform(poolers: string): Promise<Platform> {
    const path = join(directory, 'howdah.yaml');
    writeFileSync(path, fileWith(poolers), { mode: 0o600 });
    const env = { HOWDAH_STATE: directory, HOME: '/nonexistent' };
    const { config } = await loadConfig({ path, env });
    const logger = createLogger('error', { isTerminal: false, write: () => {} });
    const platform = await createPlatform({ config, env, logger, version: '0' });
    opened.push(platform);
    return platform;
  }

  it('are asked by a client of MCP, with each of the tools', { timeout: 60_000 }, async () => {
    writeFileSync(passwordFile(), 'Tr0ub4dor\n');
    const place = createStdioPlace('', fileWith(`main: ${poolerAt(bouncer.port)}`));
    const client = new Client({ name: 'official client', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const { command, args, cwd, env } = place;
    await client.connect(new StdioClientTransport({ command, args, cwd, env, stderr: 'ignore' }));
    try {
      expect(POOLER_TOOLS.map(({ name }) => name)).toEqual([
        'pgbouncer_clients',
        'pgbouncer_pools',
        'pgbouncer_settings',
        'pgbouncer_statistics',
      ]);
      for (const tool of POOLER_TOOLS) {
        const answer = await client.callTool({ name: tool.name, arguments: {} });
        expect([tool.name, answer.isError]).toEqual([tool.name, undefined]);
        expect(tool.output.parse(answer.structuredContent)).toEqual(answer.structuredContent);
        expect(answer.structuredContent).toMatchObject({ server: 'shop', findings: [] });
      }
      const { content } = await client.callTool({ name: 'pgbouncer_settings', arguments: {} });
      expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/main +pool_mode +transaction +session/) }]);
      expect(place.events().filter(({ kind, outcome }) => kind === 'ended' && outcome === 'OK').length).toBeGreaterThan(
        4,
      );
    } finally {
      await client.close();
      place.remove();
    }
  });

  it('have their passwords read again at each new connection', async () => {
    writeFileSync(passwordFile(), 'Wr0ngOne');
    const platform = await openPlatform(`main: ${poolerAt(bouncer.port)}`);
    const refused = await call(platform, 'pgbouncer_pools');
    expect(refused).toMatchObject({ error: { code: 'SERVER_UNREACHABLE', details: { sqlstate: '28P01' } } });
    expect(JSON.stringify(refused)).not.toContain('Wr0ngOne');
    writeFileSync(passwordFile(), 'Tr0ub4dor');
    expect(await call(platform, 'pgbouncer_pools')).toMatchObject({ ok: true });
    rmSync(passwordFile());
    expect(await call(platform, 'pgbouncer_pools')).toMatchObject({ ok: true }); // over the connection that is open
    await bouncer.restart();
    expect(await call(platform, 'pgbouncer_pools')).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('The password file') },
    });
    writeFileSync(passwordFile(), 'Tr0ub4dor');
  });

  it('are visited by the doctor, and are in the list of servers with what became of it', async () => {
    const platform = await openPlatform(`main: ${poolerAt(bouncer.port)}, spare: ${poolerAt(1)}`);
    expect(await call(platform, 'list_servers')).toMatchObject({
      output: {
        findings: [],
        poolers: [
          { pooler: 'main', state: 'unknown' },
          { pooler: 'spare', state: 'unknown' },
        ],
      },
    });
    const visit = await call(platform, 'doctor', 'admin');
    expect(visit).toMatchObject({
      output: {
        poolers: [
          {
            pooler: 'main',
            address: `stats@127.0.0.1:${bouncer.port}/pgbouncer`,
            reachable: true,
            version: expect.stringMatching(/^1\./),
          },
          { pooler: 'spare', address: 'stats@127.0.0.1:1/pgbouncer', reachable: false, version: null },
        ],
        findings: expect.arrayContaining([
          expect.objectContaining({ severity: 'ok', object: '"main"' }),
          expect.objectContaining({
            severity: 'warning',
            object: '"spare"',
            claim: 'The PgBouncer cannot be asked: 127.0.0.1:1 refuses connections: nothing listens there.',
            next_step: expect.stringContaining('listen_port'),
          }),
        ]),
      },
    });
    expect(await call(platform, 'list_servers')).toMatchObject({
      output: {
        findings: [{ severity: 'warning', object: '"spare"' }],
        poolers: [
          { server: 'shop', pooler: 'main', state: 'reachable', version: expect.any(String), problem: null },
          { server: 'shop', pooler: 'spare', state: 'unreachable', version: null, problem: expect.any(String) },
        ],
      },
    });
    expect(JSON.stringify(visit)).not.toContain('Tr0ub4dor');
  });
});
