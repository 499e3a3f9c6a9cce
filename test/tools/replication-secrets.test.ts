/** Commands and connection strings of replication hold secrets: what they are is in no answer, only whether they are set. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { tools } from '../../src/tools/catalog.gen.ts';
import { openHowdah, runAs, type Answer, type Row } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';

const AREAS = new Set(['wal', 'replication', 'logical_replication']);
const partOf = (answer: Answer, part: string) => answer[part] as Row;

/** The client of the tests wants a host, also where the socket is named beside it. */
function byPg(url: string): string {
  return url.replace('postgres:///', 'postgres://localhost/');
}

/** Answers of every tool of these areas, by name; those that the version lacks have none. */
async function askAll(url: string): Promise<ReadonlyMap<string, Answer>> {
  const howdah = await openHowdah(url);
  try {
    const answers = new Map<string, Answer>();
    for (const { name } of tools.filter(({ area }) => AREAS.has(area))) {
      const outcome = await howdah.attempt(name);
      if (outcome.ok) answers.set(name, outcome.output as Answer);
      else if (outcome.error.code !== 'UNSUPPORTED') throw outcome.error;
    }
    expect(answers.size).toBeGreaterThanOrEqual(10);
    return answers;
  } finally {
    await howdah.close();
  }
}

it('are shown by no tool, on a primary or its standby', async () => {
  const secret = randomBytes(8).toString('hex');
  const settings = { archive_mode: 'on', archive_command: `true --password ${secret}`, hot_standby_feedback: 'on' };
  await withSeparateServer(settings, async (server, url, addStandby) => {
    const conninfo = `host=${server.socketDir} port=${server.port} user=postgres`;
    const standbyUrl = await addStandby({
      primary_conninfo: `${conninfo} password=${secret} application_name=standby options='-c my.secret=${secret}'`,
      restore_command: `false ${secret} %f %p`,
      archive_cleanup_command: `true ${secret} %r`,
      primary_slot_name: '',
    });
    await runAs(
      byPg(url),
      `create subscription one connection 'host=127.0.0.1 port=1 password=${secret}' publication p with (connect = false)`,
    );
    const primary = await askAll(url);
    expect(primary.get('wal_archiving')).toMatchObject({ archiver: { mode: 'on', by: 'archive_command' } });
    expect(primary.get('subscriptions')?.rows).toMatchObject([{ subscription: 'one' }]);
    await expect
      .poll(async () => (await askAll(standbyUrl)).get('subscriptions')?.rows, { timeout: 20_000, interval: 500 })
      .toMatchObject([{ subscription: 'one' }]);
    const standby = await askAll(standbyUrl);
    const status = standby.get('standby_status');
    expect(status).toMatchObject({
      settings: { primary_conninfo_set: true, restore_command_set: true, primary_slot_name: null },
      findings: [], // without a slot it has its archive
    });
    expect(status && partOf(status, 'receiver')['conninfo']).toMatch(/application_name=standby/);
    for (const [name, answer] of [...primary, ...standby]) {
      expect([name, JSON.stringify(answer).includes(secret)]).toEqual([name, false]);
    }
  });
}, 60_000);
