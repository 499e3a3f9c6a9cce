/** Both generations of the official client, on the oldest PostgreSQL, one between and the newest: what is listed can be called. */
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useClone } from './postgres/clone.ts';
import { describeSomeMajors } from './postgres/each-major.ts';
import { createStdioPlace, type StdioPlace } from './stdio-process.ts';
import { callEveryTool, expectedOutcomes, isTool } from './tools/call-every-tool.ts';
import { LISTED } from './tools/tool-inputs.ts';

const INFO = { name: 'official client', version: '1' };
const quiet = ({ command, args, cwd, env }: StdioPlace) => ({ command, args, cwd, env, stderr: 'ignore' as const });

async function connectModern(place: StdioPlace): Promise<ModernClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } });
  await client.connect(new ModernTransport(quiet(place)));
  return client;
}

async function connectFirst(place: StdioPlace): Promise<FirstClient> {
  const client = new FirstClient(INFO);
  await client.connect(new FirstTransport(quiet(place)));
  return client;
}

const GENERATIONS = [
  ['2', connectModern],
  ['1', connectFirst],
] as const;

describeSomeMajors('the official clients', (cluster) => {
  const clone = useClone(cluster);

  describe.each(GENERATIONS)('client %s', (_, connect) => {
    let place: StdioPlace;
    let client: ModernClient | FirstClient;
    beforeAll(async () => {
      place = createStdioPlace(clone().monitorUrl);
      client = await connect(place);
    });
    afterAll(async () => {
      await client.close();
      place.remove();
    });

    it('lists all tools and gets an answer of the declared shape from each', { timeout: 120_000 }, async () => {
      const { tools: listed } = await client.listTools();
      expect(listed.map(({ name }) => name)).toEqual(LISTED);
      expect(await callEveryTool(client, cluster.major)).toEqual({});
      const ended = place.events().filter(({ kind, operation }) => kind === 'ended' && isTool(operation));
      expect(ended).toMatchObject(expectedOutcomes(cluster.major));
    });
  });
});
