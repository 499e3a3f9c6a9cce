import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Config } from './config/schema.ts';
import { createPlatform } from './platform.ts';
import { createLogger } from './telemetry/logger.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'howdah-platform-'));
});
afterEach(() => rmSync(state, { recursive: true }));

const refuse = (what: string) => () => Promise.reject(new Error(what));

it('ends the audit file though the listener and the servers could not be closed, and says what was first', async () => {
  const platform = await createPlatform({
    config: Config.parse({
      http: { listen: '127.0.0.1:0' },
      telemetry: { metrics: { listen: 'off' } },
      auth: { anonymous: { persona: 'viewer' } },
    }),
    env: { HOWDAH_STATE: state },
    logger: createLogger('error', { isTerminal: false, write: () => undefined }),
    version: '0',
  });
  const door = await platform.openHttp();
  const listener = { ...door };
  Object.assign(door, { drain: refuse('the listener') });
  Object.assign(platform.deps.fleet, { close: refuse('the servers') });
  await expect(platform.close()).rejects.toThrow('the listener');
  await listener.drain();
  const [file = ''] = readdirSync(platform.auditDirectory);
  const last = readFileSync(join(platform.auditDirectory, file), 'utf8').trimEnd().split('\n').at(-1);
  expect(last).toContain('"kind":"closed"');
  await expect(platform.deps.audit.record({ kind: 'ended' })).rejects.toThrow('closed');
});
