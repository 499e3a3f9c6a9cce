/** What keeps autovacuum from a table, and what only seems to. */
import { describe, expect, it } from 'vitest';
import { openHowdah, runAs, withSession } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { startStatement } from '../postgres/sessions.ts';
import { follow } from './advice.ts';
import { eventually, listOf, rowOf } from './autovacuum.ts';

const overTcp = (url: string) => url.replace('postgres:///', 'postgres://localhost/');
const table = (name: string) => [
  `create table public.${name} (a integer) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  `insert into public.${name} select generate_series(1, 9000)`,
];

describe('autovacuum_status of what hinders', () => {
  it('suspects the slot of a standby whose query keeps rows, and asks the standby', async () => {
    const settings = { autovacuum: 'on', autovacuum_naptime: '1', autovacuum_vacuum_cost_delay: '0' };
    await withSeparateServer(settings, async (_, url, addStandby) => {
      const [tcp, far] = [
        overTcp(url),
        overTcp(await addStandby({ hot_standby_feedback: 'on', wal_receiver_status_interval: '1' })),
      ];
      await runAs(tcp, ...table('hot'));
      const howdah = await openHowdah(url);
      await expect
        .poll(() => runAs(far, `select to_regclass('public.hot') is not null as there`))
        .toEqual([{ there: true }]);
      await withSession(far, async (reader) => {
        await reader.query('begin isolation level repeatable read');
        await reader.query('select count(*) from public.hot');
        await expect
          .poll(() => runAs(tcp, 'select xmin is not null as held from pg_replication_slots'), { timeout: 10_000 })
          .toEqual([{ held: true }]);
        await runAs(tcp, 'delete from public.hot where a <= 5000');
        const answer = await eventually(howdah, { schema: 'public' }, (each) => {
          const { autovacuums, dead_rows, hindered_by } = rowOf(each, 'hot');
          return Number(autovacuums) >= 2 && dead_rows === 5000 && hindered_by === 'may_be_held_back';
        });
        expect(listOf(answer, 'holders')).toContainEqual(
          expect.objectContaining({
            kind: 'slot',
            name: 'standby',
            application: 'standby',
            state: 'active',
            since: null,
          }),
        );
        const held = answer.findings.find(({ object }) => object === '"standby"');
        expect(held).toMatchObject({ severity: 'notice', claim: expect.stringContaining('may keep VACUUM') });
        const rows = await runAs(far, String(held?.next_step).replace(/^--.*\n/, ''));
        expect(rows).toMatchObject([{ state: 'idle in transaction' }]);
        const waiting = answer.findings.find(({ object }) => object === '"public"."hot"');
        expect(waiting?.claim).not.toContain('has not come');
        expect(waiting?.next_step).toMatch(/^VACUUM \(VERBOSE\) "public"."hot"; --/);
        await follow(tcp, waiting ?? { severity: 'ok', claim: '', evidence: {} });
        await reader.query('rollback');
      });
      const calm = await eventually(howdah, { schema: 'public' }, (each) => rowOf(each, 'hot')['dead_rows'] === 0);
      expect(calm.findings).toEqual([]);
      await howdah.close();
    });
  });

  it('blames no session whose statement came after the last VACUUM, and sees a lock that keeps VACUUM out', async () => {
    await withSeparateServer({ autovacuum: 'on', autovacuum_naptime: '3600' }, async (_, url) => {
      const tcp = overTcp(url);
      await runAs(tcp, ...table('churn'), ...table('shared'));
      const howdah = await openHowdah(url);
      await withSession(tcp, async (job) => {
        await job.query('begin');
        await job.query('select 1');
        await runAs(tcp, 'update public.churn set a = a + 1 where a <= 3000', 'vacuum public.churn');
        await runAs(
          tcp,
          'update public.churn set a = a + 1 where a <= 3000',
          'delete from public.shared where a <= 3000',
        );
        startStatement(job, 'select pg_sleep(30)');
        await withSession(tcp, async (locker) => {
          await locker.query('begin');
          await locker.query('lock table public.shared in share mode');
          const answer = await eventually(
            howdah,
            { schema: 'public' },
            (each) => rowOf(each, 'churn')['percent'] !== 0 && rowOf(each, 'shared')['dead_rows'] === 3000,
          );
          expect(listOf(answer, 'holders')).toMatchObject([{ kind: 'session', state: 'active', xmin_age: 0 }]);
          expect(rowOf(answer, 'churn')).toMatchObject({
            due: expect.arrayContaining(['dead_rows']),
            hindered_by: null,
          });
          expect(answer.findings.filter(({ claim }) => claim.includes('keeps VACUUM from removing'))).toEqual([]);
          expect(rowOf(answer, 'shared')).toMatchObject({ hindered_by: 'locked' });
          const locked = answer.findings.find(({ object }) => object === '"public"."shared"');
          expect(await runAs(tcp, String(locked?.next_step))).toMatchObject([{ mode: 'ShareLock', granted: true }]);
        });
        await runAs(
          tcp,
          `select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`,
        );
      });
      await howdah.close();
    });
  });

  it('counts no table on which a worker is among those that wait for one', async () => {
    const settings = {
      autovacuum: 'on',
      autovacuum_naptime: '1',
      autovacuum_max_workers: '1',
      autovacuum_vacuum_cost_delay: '0',
    };
    await withSeparateServer(settings, async (_, url) => {
      const tcp = overTcp(url);
      const howdah = await openHowdah(url);
      await runAs(
        tcp,
        ...table('slow'),
        'alter table public.slow set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)',
        'insert into public.slow select generate_series(1, 60000)',
      );
      await runAs(tcp, 'delete from public.slow');
      const busy = await eventually(
        howdah,
        { schema: 'public' },
        (each) => rowOf(each, 'slow')['hindered_by'] === 'being_vacuumed',
      );
      expect(busy.findings.map(({ object }) => object)).not.toContain('"autovacuum_max_workers"');
      await runAs(tcp, ...table('next'), 'delete from public.next');
      const full = await eventually(howdah, { schema: 'public' }, (each) => rowOf(each, 'next')['dead_rows'] === 9000);
      expect(full.findings[0]).toMatchObject({
        claim: 'All 1 autovacuum workers are busy, and 1 table has waited long for one.',
      });
      await howdah.close();
    });
  });
});
