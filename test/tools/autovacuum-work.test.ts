/** What autovacuum does at the moment, and what keeps it from doing its work. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { openHowdah, openNarrowHowdah, runAs, useHowdah, withSession, type Row } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { follow, objects } from './advice.ts';
import { eventually, listOf, rowOf } from './autovacuum.ts';

describeEachMajor('autovacuum_status of the work', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('says once who holds back cleanup, the oldest first', async () => {
    const gid = `held ${randomBytes(4).toString('hex')}`;
    const tick = 'select txid_current()';
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query(tick); // it has an id and no snapshot
      await runAs(
        clone().superuserUrl,
        tick,
        'begin',
        'create table public.prepared (a int)',
        `prepare transaction '${gid}'`,
      );
      try {
        await runAs(clone().superuserUrl, tick, tick);
        const answer = await howdah('monitor').call('autovacuum_status', { max_xmin_age: 2 });
        const [first, second] = listOf(answer, 'holders').filter(
          ({ kind }) => kind === 'session' || kind === 'prepared_transaction',
        );
        expect(first).toMatchObject({
          kind: 'session',
          user: 'postgres',
          state: 'idle in transaction',
          catalogs_only: false,
        });
        expect(second).toMatchObject({ kind: 'prepared_transaction', name: gid, user: 'postgres' });
        expect(Number(first?.['xmin_age'])).toBeGreaterThan(Number(second?.['xmin_age']));
        const held = answer.findings.filter(({ claim }) => claim.includes('keeps VACUUM from removing'));
        expect(held).toHaveLength(1);
        const calm = await howdah('monitor').call('autovacuum_status');
        expect(calm.findings.filter(({ claim }) => claim.includes('keeps VACUUM'))).toEqual([]);
        const hidden = await howdah('plain').call('autovacuum_status');
        expect(listOf(hidden, 'holders').map(({ kind }) => kind)).not.toContain('session');
        expect(hidden.not_examined).toMatchObject([{ remedy: 'GRANT pg_monitor TO "plain";' }]);
      } finally {
        await runAs(clone().superuserUrl, `rollback prepared '${gid}'`);
      }
    });
  });

  it('knows that a logical slot holds back the catalogs, and blames it for no table', async () => {
    const slot = `logical_${randomBytes(4).toString('hex')}`;
    await runAs(clone().superuserUrl, `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    try {
      const answer = await howdah('plain').call('autovacuum_status', { max_xmin_age: 0 });
      const held = listOf(answer, 'holders').find(({ name }) => name === slot);
      expect(held).toMatchObject({ kind: 'slot', state: 'inactive', catalogs_only: true, since: null });
      expect(objects(answer)).not.toContain(`warning "${slot}"`);
    } finally {
      await runAs(clone().superuserUrl, `select pg_drop_replication_slot('${slot}')`);
    }
  });

  it('shows no work on databases that the persona does not open', async () => {
    const other = await cloneDatabase({ ...cluster }, `closed_${randomBytes(4).toString('hex')}`, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    const vacuum = runAs(
      other.superuserUrl,
      'create table public.slow as select generate_series(1, 200000) as a',
      'set vacuum_cost_limit = 1',
      'set vacuum_cost_delay = 50',
      'vacuum public.slow',
    ).catch(() => []); // it is ended with its database
    try {
      const slow = ({ database, phase }: Row) => database === other.name && phase === 'scanning heap';
      const input = { limit: 1 };
      const seen = await eventually(howdah('monitor'), input, (each) => listOf(each, 'running').some(slow));
      expect(listOf(seen, 'running').find(slow)).toMatchObject({
        autovacuum: false,
        does: 'vacuum',
        schema: null,
        table: null,
      });
      const answer = await narrow.call('autovacuum_status', input);
      expect(JSON.stringify(answer)).not.toContain(other.name);
      expect(answer.not_examined?.[0]).toMatchObject({
        what: expect.stringMatching(/^\d+ rows? of other databases, among running VACUUM and ANALYZE$/),
      });
    } finally {
      await narrow.close();
      await other.drop();
      await vacuum;
    }
  });
});

describe('autovacuum_status where autovacuum runs', () => {
  it('agrees with autovacuum on what is due, and says why what is due stays so', async () => {
    await withSeparateServer(
      { autovacuum: 'on', autovacuum_naptime: '1', autovacuum_vacuum_cost_delay: '0' },
      async (server, url) => {
        const tcp = url.replace('postgres:///', 'postgres://localhost/');
        const tables = ['cleaned', 'kept', 'off', 'locked', 'held'];
        await runAs(
          tcp,
          ...tables.flatMap((table) => [
            `create table public.${table} (a integer) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = ${table === 'kept' ? 5000 : 1000}${table === 'off' ? ', autovacuum_enabled = off' : ''})`,
            `insert into public.${table} select generate_series(1, 9000)`,
          ]),
        );
        const howdah = await openHowdah(url);
        await eventually(howdah, {}, (each) => rowOf(each, 'held')['last_autoanalyze'] !== null);
        await withSession(tcp, async (holder) => {
          await holder.query('begin isolation level repeatable read');
          await holder.query('select 1 from public.held limit 1');
          await withSession(tcp, async (locker) => {
            await locker.query('begin');
            await runAs(tcp, ...tables.map((table) => `delete from public.${table} where a <= 2000`));
            await locker.query('lock table public.locked in access exclusive mode');
            const answer = await eventually(
              howdah,
              {},
              (each) =>
                rowOf(each, 'held')['hindered_by'] === 'held_back' && rowOf(each, 'locked')['dead_rows'] === 2000,
            );
            expect(rowOf(answer, 'kept')).toMatchObject({ dead_rows: 2000, due: [], hindered_by: null });
            expect(rowOf(answer, 'off')).toMatchObject({
              due: expect.arrayContaining(['dead_rows']),
              hindered_by: 'storage_parameter',
            });
            expect(rowOf(answer, 'locked')).toMatchObject({
              due: expect.arrayContaining(['dead_rows']),
              hindered_by: 'locked',
            });
            expect(answer.findings[0]).toMatchObject({
              severity: 'warning',
              evidence: { kind: 'session', state: 'idle in transaction' },
            });
            expect(objects(answer)).toEqual(
              expect.arrayContaining([
                'warning "public"."off"',
                'warning "public"."locked"',
                'warning "public"."held"',
              ]),
            );
            await locker.query('rollback');
          });
          await holder.query('rollback');
        });
        const calm = await eventually(howdah, {}, (each) =>
          ['cleaned', 'locked', 'held'].every((table) => rowOf(each, table)['dead_rows'] === 0),
        );
        expect(objects(calm)).toEqual(['warning "public"."off"']);
        expect(Number(rowOf(calm, 'cleaned')['autovacuums'])).toBeGreaterThanOrEqual(1);
        expect(rowOf(calm, 'kept')).toMatchObject({ dead_rows: 2000, due: [] });
        for (const finding of calm.findings) await follow(tcp, finding); // what it advises is what ends it
        expect((await eventually(howdah, {}, (each) => rowOf(each, 'off')['dead_rows'] === 0)).findings).toEqual([]);
        await howdah.close();
      },
    );
  });
});
