/** Clients of other times, and clients that vanish in the middle of a call. */
import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../src/audit/verify.ts';
import { isAlive } from '../src/postgres/postmaster.ts';
import { ENVELOPE, until } from './mcp-session.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { useClone } from './postgres/clone.ts';
import { newestCluster } from './postgres/each-major.ts';
import { runSql } from './postgres/instance.ts';
import { slowDownOverview } from './slow-overview.ts';
import { auditDirectory, initialize, toolCall } from './stdio-client.ts';
import { createStdioPlace, startRaw, type RawStdio, type StdioPlace } from './stdio-process.ts';

const places: StdioPlace[] = [];
const processes: RawStdio[] = [];
afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(processes.splice(0).map(({ exited }) => exited));
  for (const place of places.splice(0)) place.remove();
});

function start(url: string): { place: StdioPlace; raw: RawStdio } {
  const place = createStdioPlace(url);
  const raw = startRaw(place);
  places.push(place);
  processes.push(raw);
  return { place, raw };
}

describe('a client that speaks', () => {
  const clone = useClone(newestCluster());

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2099-12-31', '2025-11-25'],
  ])('%s is answered in %s, and calls a tool', async (asked, spoken) => {
    const { place, raw } = start(clone().monitorUrl);
    expect(await initialize(raw, asked)).toMatchObject({ result: { protocolVersion: spoken } });
    raw.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    raw.send(toolCall(1, 'list_tables', { schema: 'shop' }));
    expect(await raw.answerTo(1)).toMatchObject({ result: { structuredContent: { database: clone().name } } });
    expect(place.events().findLast(({ operation }) => operation === 'list_tables')).toMatchObject({
      outcome: 'OK',
      protocol_version: spoken,
    });
  });

  it('2026-07-28 without an opening calls a tool, and 2099-12-31 is told what there is', async () => {
    const { place, raw } = start(clone().monitorUrl);
    const call = toolCall(1, 'list_tables', { schema: 'shop' });
    raw.send({ ...call, params: { ...call.params, _meta: ENVELOPE } });
    expect(await raw.answerTo(1)).toMatchObject({ result: { structuredContent: { database: clone().name } } });
    expect(place.events().at(-1)).toMatchObject({ outcome: 'OK', protocol_version: '2026-07-28' });
    const future = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2099-12-31' };
    raw.send({ ...call, id: 2, params: { ...call.params, _meta: future } });
    expect(JSON.stringify(await raw.answerTo(2))).toMatch(/"error".*2026-07-28/);
    raw.send({ ...call, id: 3, params: { ...call.params, _meta: ENVELOPE } });
    expect(await raw.answerTo(3)).toHaveProperty('result');
  });
});

/** Starts Howdah as its arguments say, has it run a call, and tells its process id; the test kills it. */
const DOOMED_CLIENT = `
  const { spawn } = require('node:child_process');
  const [messages, command, ...args] = process.argv.slice(1);
  const howdah = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  howdah.stdout.resume();
  howdah.stdin.write(messages);
  console.log(howdah.pid);
`;

describe('a client that vanishes in the middle of a long statement', () => {
  let server: OwnServer;
  beforeAll(async () => {
    server = await startOwnServer();
    await slowDownOverview(server);
  });
  afterAll(() => server.stop());

  const statements = async () => {
    const running = `select count(*)::int as n from pg_stat_activity where application_name like 'howdah %'`;
    return ((await runSql(server, 'postgres', running)).rows[0] as { n: number }).n;
  };

  async function expectEnded(place: StdioPlace, began: number): Promise<void> {
    await expect.poll(statements, { timeout: 4000 }).toBe(0);
    expect(performance.now() - began).toBeLessThan(2500);
    const outcome = () => place.events().find(({ operation }) => operation === 'server_overview')?.outcome ?? undefined;
    expect(await until(outcome)).toBe('CANCELLED');
  }

  it('by closing its side', async () => {
    const { place, raw } = start(server.url);
    await initialize(raw);
    raw.send(toolCall(1, 'server_overview'));
    await expect.poll(statements).toBe(1);
    const began = performance.now();
    raw.child.stdin.end();
    await expectEnded(place, began);
    expect(await raw.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await verifyAudit(auditDirectory(place))).toMatchObject({ ok: true });
  });

  it('by SIGKILL', async () => {
    const place = createStdioPlace(server.url);
    places.push(place);
    const opening = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'doomed', version: '1' } };
    const messages = [{ jsonrpc: '2.0', id: 0, method: 'initialize', params: opening }, toolCall(1, 'server_overview')];
    const lines = messages.map((message) => `${JSON.stringify(message)}\n`).join('');
    const client = spawn(process.execPath, ['-e', DOOMED_CLIENT, lines, place.command, ...place.args], {
      cwd: place.cwd,
      env: place.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    client.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await expect.poll(statements, { timeout: 10_000 }).toBe(1);
    const began = performance.now();
    client.kill('SIGKILL');
    await expectEnded(place, began);
    await expect.poll(() => isAlive(Number(said)), { timeout: 5000 }).toBe(false);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await verifyAudit(auditDirectory(place))).toMatchObject({ ok: true });
  });
});
