import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, runAs, useHowdah, type Answer } from '../postgres/platform.ts';
import { untilCounted } from './counted.ts';

const all = { limit: 500 };
const unique = (name: string) => `${name}_${randomBytes(4).toString('hex')}`;
const slotOf = ({ rows }: Answer, name: string) => rows.find(({ slot_name }) => slot_name === name);
const findingOn = ({ findings }: Answer, object: string) => findings.find((finding) => finding.object === object);

describeEachMajor('replication_slot_statistics', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.runIf(cluster.major < 14)('says in words that this version counts nothing of it', async () => {
    expect(await howdah('monitor').attempt('replication_slot_statistics')).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', message: expect.stringContaining('needs PostgreSQL 14 or newer') },
    });
  });

  it.runIf(cluster.major >= 14)('counts what a slot decoded, spilled and streamed', async () => {
    const slot = unique('decoded');
    const { superuserUrl } = clone();
    const take = (option: string) =>
      `select count(*) from pg_logical_slot_get_binary_changes('${slot}', null, null, 'proto_version', '2', 'publication_names', '${slot}', 'streaming', '${option}')`;
    await runAs(
      superuserUrl,
      'create table decoded (n integer primary key)',
      `create publication ${slot} for table decoded`,
      `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`,
    );
    try {
      await runAs(superuserUrl, 'insert into decoded select generate_series(1, 10)');
      await runAs(superuserUrl, take('off'));
      const statistics = (input = {}) => howdah('monitor').call('replication_slot_statistics', { ...all, ...input });
      const before = slotOf(await statistics(), slot);
      expect(before).toMatchObject({ plugin: 'pgoutput', database: clone().name, active: false });
      expect(before).toMatchObject({ total_txns: 1, spill_txns: 0, spill_size: 0, spill_percent: 0, stream_txns: 0 });
      await runAs(superuserUrl, 'insert into decoded select generate_series(11, 20000)');
      expect(Number(slotOf(await statistics(), slot)?.['unconfirmed_size'])).toBeGreaterThan(500_000);
      await runAs(superuserUrl, `set logical_decoding_work_mem = '64kB'`, take('off'));
      await untilCounted(
        superuserUrl,
        `(select total_txns = 2 from pg_stat_replication_slots where slot_name = '${slot}')`,
      );
      for (const login of LOGINS) {
        const answer = await howdah(login).call('replication_slot_statistics', all);
        expect(answer).toMatchObject({ about: { logical_decoding_work_mem: 64 * 2 ** 20 } });
        expect(slotOf(answer, slot)).toMatchObject({ total_txns: 2, stream_txns: 0 });
        expect(Number(slotOf(answer, slot)?.['spill_txns'])).toBeGreaterThanOrEqual(1);
        expect(Number(slotOf(answer, slot)?.['spill_size'])).toBeGreaterThan(1_000_000);
        expect(findingOn(answer, slot)).toBeUndefined();
      }
      expect(findingOn(await statistics({ min_spill_size: 1_000_000 }), slot)).toMatchObject({
        severity: 'notice',
        claim: expect.stringMatching(new RegExp(`${slot} spilled \\d+ transactions to disk`)),
        next_step: expect.stringContaining(`logical_decoding_work_mem = '128MB'`),
      });
      await runAs(superuserUrl, 'delete from decoded');
      await runAs(superuserUrl, `set logical_decoding_work_mem = '64kB'`, take('on'));
      await untilCounted(
        superuserUrl,
        `(select stream_txns >= 1 from pg_stat_replication_slots where slot_name = '${slot}')`,
      );
      const streamed = slotOf(await statistics(), slot);
      expect(streamed).toMatchObject({ stream_txns: 1 });
      expect(Number(streamed?.['stream_size'])).toBeGreaterThan(1_000_000);
    } finally {
      await runAs(superuserUrl, `select pg_drop_replication_slot('${slot}')`);
    }
  });
});

describeEachStandby('replication_slot_statistics of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const standby = useHowdah(() => clone().standby ?? clone());

  it.runIf(cluster.major >= 14)('are those of its own slots', async () => {
    expect(await standby('plain').call('replication_slot_statistics')).toMatchObject({ rows: [], findings: [] });
  });
});
