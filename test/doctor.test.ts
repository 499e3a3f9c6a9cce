/** What the doctor reads of a login, on every major and on a standby. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { executeCall } from '../src/calls/execute.ts';
import { loadConfig } from '../src/config/load.ts';
import { localPrincipal } from '../src/identity/local-principal.ts';
import { createPlatform } from '../src/platform.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { useClone } from './postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from './postgres/each-major.ts';

let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'howdah-doctor-'));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

async function visit(url: string, persona = 'admin') {
  const env = { HOWDAH_STATE: state };
  const { config } = await loadConfig({ url, env });
  const logger = createLogger('error', { isTerminal: false, write: () => {} });
  const platform = await createPlatform({ config, env, logger, version: '0' });
  try {
    const outcome = await executeCall(
      {
        catalog: platform.catalog,
        name: 'doctor',
        arguments: {},
        principal: localPrincipal(persona, 'ada'),
        origin: { transport: 'cli' },
        signal: new AbortController().signal,
      },
      platform.deps,
    );
    return outcome.ok ? outcome.output : { error: outcome.error.code };
  } finally {
    await platform.close();
  }
}

describeEachMajor('the doctor', (cluster) => {
  const clone = useClone(cluster);

  it('sees of a monitoring login that it may look and nothing more', async () => {
    expect(await visit(clone().monitorUrl)).toMatchObject({
      role: 'monitor',
      in_recovery: false,
      version: expect.stringMatching(new RegExp(`^${cluster.major}\\.`)),
      findings: expect.not.arrayContaining([expect.objectContaining({ severity: 'critical' })]),
    });
  });

  it('sees of a plain login what it lacks', async () => {
    const answer = await visit(clone().plainUrl);
    expect(answer).toMatchObject({
      role: 'plain',
      findings: expect.arrayContaining([expect.objectContaining({ next_step: 'GRANT pg_monitor TO "plain";' })]),
      not_examined: [
        { what: "Other sessions' statements and waits" },
        { what: 'Settings that may hold secrets', remedy: 'GRANT pg_monitor TO "plain";' },
      ],
    });
  });

  it('warns of a superuser, and is for administrators only', async () => {
    expect(await visit(clone().superuserUrl)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ evidence: { superuser: true } })]),
    });
    expect(await visit(clone().superuserUrl, 'dba')).toEqual({ error: 'FORBIDDEN' });
  });
});

describeEachStandby('the doctor of a standby', (cluster) => {
  it('says that it is one', async () => {
    expect(await visit(cluster.standby.monitorUrl)).toMatchObject({ in_recovery: true, role: 'monitor' });
  });
});
