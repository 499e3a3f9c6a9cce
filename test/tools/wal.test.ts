import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, type Answer, type Row } from '../postgres/platform.ts';

const LSN: unknown = expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/);
const SOME_TIME: unknown = expect.stringMatching(/Z$/);
const MIB = 2 ** 20;
const partOf = (answer: Answer, part: string) => answer[part] as Row;
const still = { interval_ms: 0 };

/** Writes WAL, a little more than 1 MiB at a time, until the call has its answer. */
async function whileWriting(url: string, call: Promise<Answer>): Promise<Answer> {
  const answered = new AbortController();
  const settled = call.finally(() => answered.abort());
  const write = ['create table written as select generate_series(1, 20000) as n', 'drop table written'];
  const writing = (async () => {
    while (!answered.signal.aborted) await runAs(url, ...write);
  })();
  const [answer] = await Promise.all([settled, writing]);
  return answer;
}

describeEachMajor('wal_status', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('says where WAL is and how it is set, for %s', async (login) => {
    const answer = await howdah(login).call('wal_status', still);
    expect(answer).toMatchObject({ findings: [], rate: null });
    expect(partOf(answer, 'position')).toMatchObject({
      standby: false,
      wal_lsn: LSN,
      insert_lsn: LSN,
      replay_lsn: null,
      wal_file: expect.stringMatching(/^00000001[0-9A-F]{16}$/),
      timeline: 1,
      segment_size: MIB,
    });
    expect(partOf(answer, 'settings')).toMatchObject({ wal_level: 'logical', archive_mode: 'off' });
    expect(partOf(answer, 'settings')['wal_keep_size']).toBe(cluster.major >= 13 ? '0' : '0 segments');
    expect(partOf(answer, 'archiver')).toMatchObject({ mode: 'off', by: null });
    expect(answer['average'] === null).toBe(cluster.major < 14);
  });

  it('sees what pg_wal holds, which takes pg_monitor', async () => {
    const answer = await howdah('monitor').call('wal_status', still);
    expect(answer.not_examined).toBeUndefined();
    const { size, segments, recycled } = partOf(answer, 'files');
    expect(Number(size)).toBe(Number(segments) * MIB);
    expect(Number(recycled)).toBeLessThan(Number(segments));
    expect(partOf(answer, 'files')).toMatchObject({ waiting_for_archive: 0, waiting_size: 0 });
    const plain = await howdah('plain').call('wal_status', still);
    expect(plain['files']).toBeNull();
    expect(plain.not_examined).toMatchObject([
      { what: 'the size of pg_wal and what waits to be archived', remedy: 'GRANT pg_monitor TO "plain";' },
    ]);
  });

  it('measures how fast WAL grows, which is not where it is', async () => {
    const { superuserUrl } = clone();
    const position = `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`;
    const bytes = async () => Number((await runAs(superuserUrl, position))[0]?.['bytes']);
    const before = await bytes();
    const answer = await whileWriting(superuserUrl, howdah('plain').call('wal_status', { interval_ms: 2000 }));
    const grown = (await bytes()) - before;
    const { of, interval_s, size, size_per_s, replayed_per_s } = partOf(answer, 'rate');
    expect({ of, replayed_per_s }).toEqual({ of: 'written', replayed_per_s: null });
    expect(Number(interval_s)).toBeGreaterThanOrEqual(1.9);
    expect(Number(size)).toBeGreaterThan(MIB / 2);
    expect(Number(size)).toBeLessThanOrEqual(grown);
    expect((Number(size_per_s) * Number(interval_s)) / Number(size)).toBeCloseTo(1, 2);
  });

  it('answers to get_wal_status, with its position, its archiver and its settings', async () => {
    const answer = await howdah('monitor').call('get_wal_status');
    expect(partOf(answer, 'position')['wal_lsn']).toEqual(LSN);
    expect(partOf(answer, 'archiver')).toMatchObject({ archived: 0, failed: 0, last_archived_at: null });
    expect(Object.keys(partOf(answer, 'settings'))).toEqual(
      expect.arrayContaining(['wal_level', 'max_wal_size', 'min_wal_size', 'checkpoint_timeout', 'archive_mode']),
    );
  });
});

describeEachMajor('wal_statistics', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.runIf(cluster.major < 14)('says in words that this version counts nothing of it', async () => {
    expect(await howdah('monitor').attempt('wal_statistics')).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', message: expect.stringMatching(/^pg_stat_wal came with PostgreSQL 14; this is/) },
    });
  });

  it.runIf(cluster.major >= 14)('counts what PostgreSQL counts, with writes wherever it counts them', async () => {
    const { superuserUrl } = clone();
    const writes =
      cluster.major >= 18
        ? `(select sum(writes) from pg_stat_io where object = 'wal' and context = 'normal')`
        : 'wal_write';
    const query = `select wal_records::float8, wal_fpi::float8, wal_bytes::float8, wal_buffers_full::float8, ${writes}::float8 as wal_write from pg_stat_wal`;
    const [before = {}] = await runAs(superuserUrl, query);
    const answers = await Promise.all(LOGINS.map((login) => howdah(login).call('wal_statistics')));
    const [after = {}] = await runAs(superuserUrl, query);
    for (const answer of answers) {
      const counters = partOf(answer, 'counters');
      for (const name of Object.keys(before)) {
        expect(Number(counters[name])).toBeGreaterThanOrEqual(Number(before[name]));
        expect(Number(counters[name])).toBeLessThanOrEqual(Number(after[name]));
      }
      expect(counters).toMatchObject({ counted_since: SOME_TIME, writes_counted_since: SOME_TIME, wal_sync_ms: null });
      expect(answer).toMatchObject({ note: null, findings: [], rates_now: null });
      expect(partOf(answer, 'settings')).toMatchObject({
        wal_compression: 'off',
        block_size: 8192,
        wal_buffers: 524_288,
      });
      expect(answer.not_examined).toMatchObject([
        { what: 'times of writes and syncs', remedy: expect.stringContaining('track_wal_io_timing = on') },
      ]);
      const { record_size } = partOf(answer, 'shares');
      expect(Number(record_size)).toBeCloseTo(Number(counters['wal_bytes']) / Number(counters['wal_records']), 2);
    }
  });

  it.runIf(cluster.major >= 14)('has rates of now', async () => {
    const call = howdah('monitor').call('wal_statistics', { interval_ms: 2000 });
    const rates = partOf(await whileWriting(clone().superuserUrl, call), 'rates_now');
    expect(Number(rates['records_per_s']) * Number(rates['seconds'])).toBeGreaterThan(10_000);
    expect(Number(rates['size_per_s']) * Number(rates['seconds'])).toBeGreaterThan(MIB / 2);
  });
});

describeEachMajor('checkpoints', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);
  const since17 = cluster.major >= 17;

  it.each(loginsOf(cluster))(
    'counts checkpoints and keeps all that the background writer counts, for %s',
    async (login) => {
      const { superuserUrl } = clone();
      const query = since17
        ? 'select c.num_requested::int as requested, b.maxwritten_clean::int, b.buffers_alloc::int, b.buffers_clean::int from pg_stat_checkpointer c, pg_stat_bgwriter b'
        : 'select checkpoints_req::int as requested, maxwritten_clean::int, buffers_alloc::int, buffers_clean::int from pg_stat_bgwriter';
      const [before] = await runAs(superuserUrl, query);
      await runAs(
        superuserUrl,
        'create table dirty as select generate_series(1, 1000) as n',
        'checkpoint',
        'drop table dirty',
      );
      const seen = async () => partOf(await howdah(login).call('checkpoints'), 'checkpoints');
      await expect.poll(async () => Number((await seen())['requested'])).toBeGreaterThan(Number(before?.['requested']));
      const answer = await howdah(login).call('checkpoints');
      const checkpoints = partOf(answer, 'checkpoints');
      const { timed, requested, requested_percent } = checkpoints;
      expect(Number(requested_percent)).toBeCloseTo((100 * Number(requested)) / (Number(timed) + Number(requested)), 1);
      expect(checkpoints).toMatchObject({ counted_since: SOME_TIME, mean_interval_s: expect.any(Number) });
      expect(checkpoints['restartpoints_done']).toBe(since17 ? 0 : null);
      expect([checkpoints['done'] !== null, checkpoints['slru_written'] !== null]).toEqual(
        cluster.major >= 18 ? [true, true] : [false, false],
      );
      const writer = partOf(answer, 'background_writer');
      const [after] = await runAs(superuserUrl, query);
      for (const name of ['maxwritten_clean', 'buffers_alloc', 'buffers_clean']) {
        expect(Number(writer[name])).toBeGreaterThanOrEqual(Number(before?.[name]));
        expect(Number(writer[name])).toBeLessThanOrEqual(Number(after?.[name]));
      }
      expect(Number(writer['maxwritten_percent'])).toBeLessThanOrEqual(100);
    },
  );

  it('says who writes buffers, and how far the last checkpoint is', async () => {
    const { superuserUrl } = clone();
    await runAs(superuserUrl, 'checkpoint', 'create table since as select generate_series(1, 20000) as n');
    const answer = await howdah('monitor').call('checkpoints');
    const writers = answer['writers'] as readonly Row[];
    const shares = writers.map(({ percent }) => Number(percent)).reduce((sum, share) => sum + share, 0);
    expect(shares).toBeCloseTo(100, 0);
    const backends = writers.find(({ writer }) => writer === 'backends');
    expect(backends?.['extended'] === null).toBe(cluster.major < 16);
    expect(writers.map(({ writer }) => writer)).toContain('checkpointer');
    expect(Number(partOf(answer, 'last')['redo_size'])).toBeGreaterThan(MIB);
    expect(partOf(answer, 'last')).toMatchObject({ redo_lsn: LSN, at: SOME_TIME, timeline: 1 });
    expect(Number(partOf(answer, 'last')['age_s'])).toBeLessThan(60);
    expect(partOf(answer, 'settings')).toMatchObject({ checkpoint_timeout_s: 300, bgwriter_delay_ms: 200 });
    expect(partOf(answer, 'wal')).toMatchObject({ target_interval_s: 300 });
    expect(partOf(answer, 'wal')['size_per_s'] === null).toBe(cluster.major < 14);
    // what other tests write to this server may be too much for its small max_wal_size
    expect(answer.findings.filter(({ object }) => object !== '"max_wal_size"')).toEqual([]);
  });

  it('answers to get_bgwriter_stats', async () => {
    const answer = await howdah('monitor').call('get_bgwriter_stats');
    expect(partOf(answer, 'checkpoints')).toMatchObject({ timed: expect.any(Number), write_ms: expect.any(Number) });
    expect(partOf(answer, 'background_writer')).toMatchObject({ maxwritten_clean: expect.any(Number) });
  });
});

describeEachMajor('wal_archiving and wal_summarizer', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('do not nag of archiving that is off, for %s', async (login) => {
    const answer = await howdah(login).call('wal_archiving');
    expect(answer.findings).toEqual([]);
    expect(partOf(answer, 'archiver')).toMatchObject({ mode: 'off', by: null, archived: 0, archive_timeout_s: null });
    expect(answer['backlog'] === null).toBe(login === 'plain');
  });

  const NAMES = [
    ['wal_summarizer', {}],
    ['get_wal_summarizer_status', { database_name: 'postgres' }],
  ] as const;

  it.runIf(cluster.major < 17).each(NAMES)('tell of no summarizer in words, as %s', async (name, input) => {
    expect(await howdah('plain').attempt(name, input)).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED', message: expect.stringMatching(/^The WAL summarizer came with PostgreSQL 17;/) },
    });
  });

  it.runIf(cluster.major >= 17).each(NAMES)('tell of the summarizer as %s', async (name, input) => {
    expect(await howdah('plain').call(name, input)).toMatchObject({
      summarizer: {
        summarize_wal: false,
        wal_summary_keep_time: '10d',
        summarizer_pid: null,
        summarized_lsn: null,
        summaries: 0,
      },
      rows: [],
      findings: [],
    });
  });
});

describeEachStandby('WAL of a standby', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('has a position and a rate there, too, for %s', async (login) => {
    const call = howdah(login).call('wal_status', { interval_ms: 2000 });
    const answer = await whileWriting(clone().superuserUrl, call);
    expect(partOf(answer, 'position')).toMatchObject({
      standby: true,
      wal_lsn: LSN,
      replay_lsn: LSN,
      insert_lsn: null,
      wal_file: null,
      timeline: login === 'plain' ? null : 1,
    });
    expect(partOf(answer, 'rate')).toMatchObject({ of: 'received', replayed_per_s: expect.any(Number) });
    expect(Number(partOf(answer, 'rate')['size'])).toBeGreaterThan(MIB / 2);
    expect(answer['average']).toBeNull();
    expect(answer.findings).toEqual([]);
  });

  it.each(LOGINS)(
    'is not judged by counters and checkpoints, which are those of its primary, for %s',
    async (login) => {
      const checkpoints = await howdah(login).call('checkpoints');
      expect(checkpoints).toMatchObject({ note: expect.stringContaining('restartpoints'), wal: null, findings: [] });
      expect(partOf(checkpoints, 'last')).toMatchObject({ redo_lsn: LSN });
      expect(await howdah(login).call('wal_archiving')).toMatchObject({ archiver: { expected: false }, findings: [] });
      if (cluster.major < 14) return;
      expect(await howdah(login).call('wal_statistics')).toMatchObject({
        note: expect.stringContaining('makes no WAL'),
        findings: [],
      });
    },
  );
});
