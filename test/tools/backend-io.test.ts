import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openNarrowHowdah, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { startStatement } from '../postgres/sessions.ts';

type Counters = Readonly<Record<string, string | number | null>>;

describeEachMajor('backend_io and asynchronous_io', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it
    .runIf(cluster.major < 18)
    .each(['backend_io', 'asynchronous_io', 'get_per_backend_io_stats', 'get_async_io_status'])(
    '%s says what to use instead',
    async (tool) => {
      expect(await howdah('monitor').attempt(tool)).toMatchObject({
        ok: false,
        error: {
          code: 'UNSUPPORTED',
          message: expect.stringContaining('18 or newer'),
          hint: expect.stringContaining('io_statistics'),
        },
      });
    },
  );

  it.runIf(cluster.major >= 18).each(loginsOf(cluster))(
    'tell what a session read, wrote and put into WAL, to %s',
    async (login) => {
      await withSession(clone().superuserUrl, async (session) => {
        const name = `writes_${randomBytes(4).toString('hex')}`;
        await session.query(`set application_name = '${name}'`);
        await session.query(
          `create table public.${name} as select g, repeat('x', 500) as filler from generate_series(1, 5000) g`,
        );
        await session.query('select pg_stat_force_next_flush()');
        const {
          rows: [known],
        } = await session.query<Counters>(
          `select pid, w.wal_records::integer, w.wal_bytes::float8 from pg_stat_activity, pg_stat_get_backend_wal(pid) w where pid = pg_backend_pid()`,
        );
        const answer = await howdah(login).call('backend_io', { limit: 500 });
        const row = answer.rows.find(({ pid }) => pid === known?.['pid']);
        expect(row).toMatchObject({
          backend_type: 'client backend',
          user: 'postgres',
          database: clone().name,
          state: login === 'plain' ? null : 'idle',
          wal_fpi: expect.any(Number),
        });
        expect(row?.['wal_records']).toBeGreaterThanOrEqual(Number(known?.['wal_records']));
        expect(Number(row?.['wal_bytes'])).toBeGreaterThan(2_000_000);
        expect(Number(row?.['extend_size'])).toBeGreaterThan(2_000_000);
        const time = Number(row?.['extend_ms']) + Number(row?.['write_ms']) + Number(row?.['read_ms']);
        expect(time).toBeGreaterThan(0);
        expect(time).toBeLessThan(20_000);
        // the checkpointer and its like are not counted by process, and do not fill the first rows with nothing
        expect(
          answer.rows.every(
            ({ reads, writes, wal_records }) => reads !== null || writes !== null || wal_records !== null,
          ),
        ).toBe(true);
        expect(answer.rows.some(({ backend_type }) => backend_type === 'checkpointer')).toBe(false);
        const sizes = answer.rows.map((each) =>
          ['read_size', 'write_size', 'extend_size'].reduce((sum, field) => sum + Number(each[field]), 0),
        );
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      });
    },
  );

  it.runIf(cluster.major >= 18)('show no session of a database that the persona does not open', async () => {
    const other = await cloneDatabase(cluster);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSession(other.superuserUrl, async (session) => {
        await session.query('select count(*) from shop.customers');
        const answer = await narrow.call('get_per_backend_io_stats', { limit: 500, database_name: clone().name });
        expect(JSON.stringify(answer)).not.toContain(other.name);
        expect(answer.not_examined?.[0]).toMatchObject({ reason: 'The persona "narrow" does not open them.' });
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it.runIf(cluster.major >= 18)('tell the method, and the reads under way', async () => {
    const big = `big_${randomBytes(4).toString('hex')}`;
    await runAs(
      clone().superuserUrl,
      `create table public.${big} as select repeat(md5(g::text), 20) as filler from generate_series(1, 60000) g`,
    );
    const [known] = await runAs(
      clone().superuserUrl,
      `select current_setting('io_method') as io_method, current_setting('io_workers')::integer as io_workers,
              current_setting('io_max_concurrency')::integer as io_max_concurrency, pg_size_bytes(current_setting('io_combine_limit'))::integer as io_combine_limit,
              current_setting('effective_io_concurrency')::integer as effective_io_concurrency`,
    );
    await withSession(clone().superuserUrl, async (session) => {
      const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      startStatement(session, `do $$ begin loop perform count(*) from public.${big}; end loop; end $$`);
      try {
        await expect
          .poll(
            async () => {
              const answer = await howdah('monitor').call('get_async_io_status', { database_name: clone().name });
              expect(answer['settings']).toMatchObject({ ...known, running_workers: known?.['io_workers'] });
              return answer.rows.find(({ database }) => database === clone().name);
            },
            { timeout: 15_000, interval: 5 },
          )
          .toMatchObject({
            backend_type: 'client backend',
            user: 'postgres',
            operation: 'readv',
            target: 'smgr',
            target_desc: expect.stringMatching(/^blocks? \d+/),
            length: expect.any(Number),
          });
      } finally {
        await runAs(clone().superuserUrl, `select pg_cancel_backend(${rows[0]?.pid})`);
      }
    });
    const hidden = await howdah('plain').call('asynchronous_io');
    expect(hidden).toMatchObject({
      rows: [],
      settings: { running_workers: null, busy_workers: null, io_method: known?.['io_method'] },
    });
    expect((hidden.not_examined ?? []).map(({ what }) => what)).toEqual(['workers, and operations under way']);
  });
});
