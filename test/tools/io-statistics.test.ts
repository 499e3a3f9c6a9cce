import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';

type Counters = Readonly<Record<string, string | number | null>>;

const IO = `select backend_type, object, context, reads, writes, extends, hits, fsyncs, evictions, reuses,
                   read_time as read_ms, write_time as write_ms, extend_time as extend_ms from pg_stat_io`;
const COUNTERS = [
  'reads',
  'writes',
  'extends',
  'hits',
  'fsyncs',
  'evictions',
  'reuses',
  'read_ms',
  'write_ms',
  'extend_ms',
];

function rowOf({ rows }: Answer, key: Counters): Row | undefined {
  return rows.find((row) => ['backend_type', 'object', 'context'].every((field) => row[field] === key[field]));
}

/** Counters that are not between what they were before and after; one that such a process does not have is null, never 0. */
function astray(before: Counters, shown: Row | undefined, after: Counters | undefined): unknown[] {
  const rounding = 0.001;
  return (shown ? COUNTERS : [])
    .filter((name) => {
      const value = shown?.[name] ?? null;
      if (before[name] === null || value === null) return before[name] !== value && !name.endsWith('_ms');
      return Number(value) < Number(before[name]) - rounding || Number(value) > Number(after?.[name]) + rounding;
    })
    .map((name) => [name, before, shown]);
}

describeEachMajor('io_statistics', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const all = { limit: 500 };

  it.runIf(cluster.major >= 16).each(loginsOf(cluster))(
    'gives what pg_stat_io counts, in milliseconds and bytes, to %s',
    async (login) => {
      await runAs(clone().superuserUrl, 'select count(*) from shop.order_lines', 'checkpoint');
      const before = (await runAs(clone().superuserUrl, IO)) as Counters[];
      const answer = await howdah(login).call('io_statistics', all);
      const after = (await runAs(clone().superuserUrl, IO)) as Counters[];
      const active = before.filter((row) => COUNTERS.slice(0, 5).some((name) => Number(row[name]) > 0));
      expect(active.length).toBeGreaterThan(3);
      expect(active.filter((row) => !rowOf(answer, row))).toEqual([]);
      expect(before.flatMap((row, i) => astray(row, rowOf(answer, row), after[i]))).toEqual([]);
      const { hits, read_size, hit_percent } =
        rowOf(answer, { backend_type: 'client backend', object: 'relation', context: 'normal' }) ?? {};
      const blocks = Number(read_size) / 8192;
      expect(Number(hit_percent)).toBeCloseTo((100 * Number(hits)) / (Number(hits) + blocks), 1);
      expect(rowOf(answer, { backend_type: 'checkpointer', object: 'relation', context: 'normal' })).toMatchObject({
        reads: null,
        read_ms: null,
        hit_percent: null,
        evictions: null,
        write_size: expect.any(Number),
      });
    },
  );

  it.runIf(cluster.major < 16)(
    'gives what older versions count, says where it is from, and makes no number up',
    async () => {
      await runAs(clone().superuserUrl, 'select count(*) from shop.order_lines', 'checkpoint');
      const answer = await howdah('plain').call('io_statistics');
      const sources = answer.rows.map(({ backend_type, source }) => `${source} ${backend_type}`);
      expect(new Set(sources)).toEqual(
        new Set([
          'pg_stat_bgwriter background writer',
          'pg_stat_bgwriter backends',
          'pg_stat_bgwriter checkpointer',
          'pg_stat_database backends',
        ]),
      );
      const [databases] = answer.rows;
      expect(databases).toMatchObject({ source: 'pg_stat_database', writes: null, fsyncs: null, extends: null });
      expect(Number(databases?.['hits'])).toBeGreaterThan(1000);
      expect(Number(databases?.['read_size'])).toBe(Number(databases?.['reads']) * 8192);
      expect(Number(databases?.['hit_percent'])).toBeGreaterThan(50);
      for (const row of answer.rows.slice(1)) {
        expect(row).toMatchObject({
          reads: null,
          hits: null,
          hit_percent: null,
          read_ms: null,
          evictions: null,
          reuses: null,
        });
        expect(row['write_size']).toBe(Number(row['writes']) * 8192);
      }
      expect((answer.not_examined ?? []).map(({ what }) => what)).toEqual([
        'I/O by kind of process and context, growth of files, evictions',
      ]);
    },
  );

  it('says since when, and answers to its older name', async () => {
    const answer = await howdah('monitor').call('get_io_stats', { limit: 2, database_name: clone().name });
    expect(answer.rows).toHaveLength(2);
    expect(answer.total).toBeGreaterThan(2);
    expect(answer['about']).toMatchObject({ counted_since: expect.stringMatching(/Z$/), track_io_timing: true });
    expect((answer['about'] as Row)['counted_s']).toBeGreaterThanOrEqual(0);
    expect(answer.findings).toEqual([]);
  });
});

describeEachMajor('slru_statistics', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.runIf(cluster.major < 13)('says that PostgreSQL 12 does not count them', async () => {
    expect(await howdah('monitor').attempt('slru_statistics')).toMatchObject({
      ok: false,
      error: { code: 'UNSUPPORTED' },
    });
  });

  it.runIf(cluster.major >= 13).each(loginsOf(cluster))(
    'lists each cache as PostgreSQL counts it, for %s',
    async (login) => {
      const query = 'select name, blks_hit::float8, blks_read::float8, blks_zeroed::float8 from pg_stat_slru';
      const before = (await runAs(clone().superuserUrl, query)) as Counters[];
      const answer = await howdah(login).call('slru_statistics');
      const after = (await runAs(clone().superuserUrl, query)) as Counters[];
      expect(answer.rows).toHaveLength(before.length);
      for (const [i, row] of before.entries()) {
        const shown = answer.rows.find(({ name }) => name === row['name']);
        for (const field of ['blks_hit', 'blks_read', 'blks_zeroed']) {
          expect(shown?.[field]).toBeGreaterThanOrEqual(Number(row[field]));
          expect(shown?.[field]).toBeLessThanOrEqual(Number(after[i]?.[field]));
        }
      }
      const transaction = answer.rows.find(({ name }) => name === (cluster.major >= 17 ? 'transaction' : 'Xact'));
      expect(Number(transaction?.['hit_percent'])).toBeGreaterThan(50);
      expect(transaction?.['buffers'] === null).toBe(cluster.major < 17);
      expect(answer.findings).toEqual([]);
    },
  );

  it.runIf(cluster.major >= 16)('finds the session that has too many subtransactions', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query(`set application_name = 'savepoints'`);
      await session.query('begin');
      await session.query('create temp table written (n integer)');
      await session.query(
        'do $$ begin for n in 1..70 loop begin insert into written values (n); exception when others then null; end; end loop; end $$',
      );
      const answer = await howdah('monitor').call('slru_statistics');
      expect(answer['overflowed']).toContainEqual({
        pid: expect.any(Number),
        user: 'postgres',
        database: clone().name,
        application: 'savepoints',
        subtransactions: 64,
        transaction_s: expect.any(Number),
      });
    });
  });
});

describeEachStandby('I/O of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('is told like that of a primary, to %s', async (login) => {
    const answer = await standby(login).call('io_statistics', { limit: 500 });
    expect(answer.rows.length).toBeGreaterThan(2);
    expect(answer.rows.some(({ backend_type }) => backend_type === 'startup')).toBe(cluster.major >= 16);
    const outcome = await standby(login).attempt('slru_statistics');
    expect(outcome.ok).toBe(cluster.major >= 13);
  });
});
