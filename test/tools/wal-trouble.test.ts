/** WAL of servers with settings of their own: that forces checkpoints, is summarized, is archived badly. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newestCluster } from '../postgres/each-major.ts';
import { openHowdah, runAs, type Answer, type Row } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { follow } from './advice.ts';

const MIB = 2 ** 20;
const partOf = (answer: Answer, part: string) => answer[part] as Row;
const findingOn = ({ findings }: Answer, object: string) => findings.find((finding) => finding.object === object);
const { major } = newestCluster();

/** The client of the tests wants a host, also where the socket is named beside it. */
function byPg(url: string): string {
  return url.replace('postgres:///', 'postgres://localhost/');
}

const fill = (mb: number) =>
  `do $$ begin for i in 1..${mb} loop perform pg_logical_emit_message(false, 'fill', repeat('x', 1048576)); end loop; end $$`;

it('says that archiving fails, hangs or does not keep up, and how far, without how it is done', async () => {
  const secret = randomBytes(8).toString('hex');
  const settings = { archive_mode: 'on', archive_command: `false # password=${secret} %p`, archive_timeout: '1h' };
  await withSeparateServer(settings, async (server, url, _, restart) => {
    const superuserUrl = byPg(url);
    const failing = await openHowdah(url);
    await runAs(superuserUrl, 'select pg_switch_wal()');
    const status = (input = {}) => failing.call('wal_archiving', input);
    await expect
      .poll(async () => findingOn(await status(), '"archive_command"'), { timeout: 20_000 })
      .toMatchObject({ severity: 'critical', claim: expect.stringContaining('the last attempt failed') });
    const answer = await status();
    const same = findingOn(await failing.call('replication_status'), '"archive_command"');
    const found = findingOn(answer, '"archive_command"');
    expect(same).toMatchObject({ claim: found?.claim, next_step: found?.next_step });
    expect(partOf(answer, 'archiver')).toMatchObject({
      mode: 'on',
      by: 'archive_command',
      failing: true,
      archived: 0,
      last_failed_s: expect.any(Number),
      last_archived_wal: null,
      archive_timeout_s: 3600,
    });
    const { waiting, waiting_size, oldest_waiting_wal } = partOf(answer, 'backlog');
    expect([waiting, waiting_size]).toEqual([1, MIB]);
    expect(partOf(answer, 'archiver')['last_failed_wal']).toBe(oldest_waiting_wal);
    expect(JSON.stringify(answer)).not.toContain(secret);
    await failing.close();

    // it waits until there is a file
    const go = join(server.dataDir, 'go');
    await restart({ archive_command: `while [ ! -e ${go} ]; do sleep 0.1; done # password=${secret}` });
    const waits = await openHowdah(url);
    try {
      // of before, which outlives the restart
      await runAs(superuserUrl, `select pg_stat_reset_shared('archiver')`, fill(3));
      const hung = await waits.call('wal_archiving', { max_waiting_s: 0 });
      expect(findingOn(hung, '"archive_command"')).toMatchObject({
        severity: 'warning',
        claim: expect.stringMatching(/files wait to be archived, the oldest for .*: the attempt hangs\.$/),
      });
      const slow = await waits.call('wal_archiving', { max_waiting_size: MIB });
      expect(findingOn(slow, '"archive_command"')?.claim).toContain('archiving does not keep up');
      for (const finding of slow.findings) await follow(superuserUrl, finding);
      expect((await waits.call('wal_archiving')).findings).toEqual([]);
      expect(JSON.stringify(slow)).not.toContain(secret);
    } finally {
      writeFileSync(go, ''); // or the server would not stop
    }
    await expect
      .poll(async () => partOf(await waits.call('wal_archiving'), 'backlog')['waiting'], { timeout: 20_000 })
      .toBe(0);
    const done = partOf(await waits.call('wal_archiving'), 'archiver');
    expect(done).toMatchObject({ failing: false, last_archived_wal: expect.any(String) });
    expect(Number(done['archived'])).toBeGreaterThan(2);
    await waits.close();
  });
}, 60_000);

it('advises the max_wal_size that the WAL between checkpoints needs', async () => {
  await withSeparateServer({ max_wal_size: '8MB', checkpoint_timeout: '1h' }, async (_, url) => {
    const superuserUrl = byPg(url);
    const howdah = await openHowdah(url);
    const targets = major >= 17 ? ['checkpointer', 'wal'] : major >= 14 ? ['bgwriter', 'wal'] : ['bgwriter'];
    await runAs(superuserUrl, ...targets.map((target) => `select pg_stat_reset_shared('${target}')`));
    const limits = { min_counted_s: 0, min_checkpoints: 3 };
    await expect
      .poll(
        async () => {
          await runAs(superuserUrl, fill(12));
          return findingOn(await howdah.call('checkpoints', limits), '"max_wal_size"');
        },
        { timeout: 20_000, interval: 100 },
      )
      .toMatchObject({
        severity: 'warning',
        claim: expect.stringMatching(
          /^100 % of checkpoints come before checkpoint_timeout.*max_wal_size is too small\.$/,
        ),
        evidence: { max_wal_size: 8 * MIB },
      });
    const answer = await howdah.call('checkpoints', limits);
    const { size_per_s, needed } = partOf(answer, 'wal');
    const known = major >= 14;
    expect(size_per_s !== null).toBe(known);
    expect(known ? Number(needed) / (Number(size_per_s) * 3600 * 1.9) : 1).toBeCloseTo(1, 3);
    expect((await howdah.call('checkpoints')).findings).toEqual([]); // of a few, and of a moment
    const found = findingOn(answer, '"max_wal_size"');
    await follow(superuserUrl, found ?? { severity: 'ok', claim: '', evidence: {} });
    await howdah.close();
  });
}, 60_000);

it.runIf(major >= 17)(
  'follows the WAL summarizer',
  async () => {
    await withSeparateServer({ summarize_wal: 'on', wal_level: 'replica' }, async (_, url) => {
      const howdah = await openHowdah(url);
      await runAs(byPg(url), fill(2), 'checkpoint', fill(1), 'checkpoint');
      const summarizer = async (input = {}) => howdah.call('wal_summarizer', input);
      await expect
        .poll(async () => partOf(await summarizer(), 'summarizer'), { timeout: 30_000, interval: 200 })
        .toMatchObject({ summarize_wal: true, summarizer_pid: expect.any(Number), summaries: expect.any(Number) });
      await expect
        .poll(async () => (await summarizer()).rows.length, { timeout: 30_000, interval: 200 })
        .toBeGreaterThan(0);
      const answer = await summarizer({ limit: 1 });
      const { tli, start_lsn, end_lsn, size } = answer.rows[0] ?? {};
      expect(tli).toBe(1);
      const [{ bytes } = {}] = await runAs(
        byPg(url),
        `select pg_wal_lsn_diff('${end_lsn}', '${start_lsn}')::int as bytes`,
      );
      expect(size).toBe(bytes);
      expect(answer.findings).toEqual([]);
      await howdah.close();
    });
  },
  60_000,
);
