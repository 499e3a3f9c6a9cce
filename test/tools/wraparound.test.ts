import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { objects } from './advice.ts';
import { listOf, rowOf } from './autovacuum.ts';

/** Makes a relation look as if its oldest row were so many transactions old. */
const age = (oid: string, column: 'relfrozenxid' | 'relminmxid', ids: number) =>
  `update pg_class set ${column} = ((${column}::text::bigint - ${ids} + 4294967296) % 4294967296)::text::xid where oid = ${oid}`;
const toastOf = (table: string) => `(select reltoastrelid from pg_class where oid = '${table}'::regclass)`;

const SCHEMA = [
  'create schema ages',
  'create table ages."Be hind" (a integer)',
  'create table ages.young (a integer) with (autovacuum_freeze_max_age = 100000)',
  'create table ages.long (a text)',
  'create table ages.shared (a integer)',
  age(`'ages."Be hind"'::regclass`, 'relfrozenxid', 300_000_001),
  age(`'ages.young'::regclass`, 'relfrozenxid', 90_000),
  age(toastOf('ages.long'), 'relfrozenxid', 150_000_000),
  age(`'ages.shared'::regclass`, 'relminmxid', 300_000_000),
];

function databaseOf(answer: Answer, name: string): Row {
  return listOf(answer, 'databases').find(({ database }) => database === name) ?? {};
}

describeEachMajor('wraparound', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  beforeAll(() => runAs(clone().superuserUrl, ...SCHEMA));

  it.each(loginsOf(cluster))('has the ages of databases, and how many ids are left of them, for %s', async (login) => {
    const answer = await howdah(login).call('wraparound', { limit: 500 });
    const [row] = await runAs(
      clone().superuserUrl,
      `select age(datfrozenxid)::integer as xid_age, mxid_age(datminmxid)::integer as mxid_age from pg_database where datname = current_database()`,
    );
    const { xid_age, mxid_age } = row as Record<'xid_age' | 'mxid_age', number>;
    const database = databaseOf(answer, clone().name);
    // other tests use up some
    expect(Number(database['xid_age'])).toBeGreaterThan(xid_age - 10_000);
    expect(Number(database['xid_age'])).toBeLessThanOrEqual(xid_age);
    expect(database['mxid_age']).toBe(mxid_age);
    const margin = cluster.major >= 14 ? 3_000_000 : 1_000_000;
    expect(database['xids_left']).toBe(2 ** 31 - 1 - margin - Number(database['xid_age']));
    expect(databaseOf(answer, 'template0')).toMatchObject({ allows_connections: false });
    expect(answer['limits']).toEqual({
      autovacuum_freeze_max_age: 200_000_000,
      autovacuum_multixact_freeze_max_age: 400_000_000,
      vacuum_failsafe_age: cluster.major >= 14 ? 1_600_000_000 : null,
      vacuum_multixact_failsafe_age: cluster.major >= 14 ? 1_600_000_000 : null,
    });
  });

  it.each(loginsOf(cluster))(
    'goes by the limit of each table, and looks at TOAST and catalogs too, for %s',
    async (login) => {
      const answer = await howdah(login).call('wraparound', { limit: 500 });
      expect(answer.rows.slice(0, 4).map(({ table, part }) => `${table} ${part}`)).toEqual([
        'Be hind table',
        'young table',
        'long toast',
        'shared table',
      ]);
      expect(rowOf(answer, 'Be hind')).toMatchObject({ schema: 'ages', xid_age_at: 200_000_000, temporary: false });
      expect(Number(rowOf(answer, 'Be hind')['xid_percent'])).toBeCloseTo(150, 0);
      expect(rowOf(answer, 'young')).toMatchObject({ xid_age_at: 100_000 });
      expect(Number(rowOf(answer, 'young')['xid_percent'])).toBeGreaterThan(89);
      expect(Number(rowOf(answer, 'long', 'toast')['xid_percent'])).toBeCloseTo(75, 0);
      expect(Number(rowOf(answer, 'shared')['mxid_percent'])).toBeCloseTo(75, 0);
      expect(answer.rows.map(({ schema }) => schema)).toContain('pg_catalog');
      expect(answer.rows.map(({ table }) => table)).toEqual(expect.arrayContaining(['job', 'payroll', 'Mixed Case']));
      expect(answer.total).toBe(answer.rows.length);
    },
  );

  it('finds what autovacuum_status finds of the same tables', async () => {
    const here = await howdah('monitor').call('wraparound');
    const there = await howdah('monitor').call('autovacuum_status');
    expect(objects(here)).toEqual(['warning "ages"."Be hind"']);
    const { evidence: _, ...finding } = there.findings.find(({ object }) => object === '"ages"."Be hind"') ?? {};
    expect({ ...here.findings[0], evidence: undefined, claim: undefined }).toEqual({
      ...finding,
      evidence: undefined,
      claim: undefined,
    });
  });

  it('knows that an old temporary table is out of reach of autovacuum', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('create temporary table old_news (a integer)');
      await runAs(
        clone().superuserUrl,
        age(`(select oid from pg_class where relname = 'old_news')`, 'relfrozenxid', 250_000_000),
      );
      const answer = await howdah('monitor').call('wraparound', { name: 'old_news' });
      const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      expect(rowOf(answer, 'old_news')).toMatchObject({
        temporary: true,
        temporary_of: cluster.major >= 16 ? rows[0]?.pid : null,
        schema: expect.stringMatching(/^pg_temp_/),
      });
      const finding = answer.findings.find(({ claim }) => claim.startsWith('The temporary table'));
      expect(finding).toMatchObject({ severity: 'warning' });
      const [step] = String(finding?.next_step).match(/^SELECT .*$/m) ?? [];
      expect(await runAs(clone().superuserUrl, String(step))).not.toEqual([]);
      await session.query('drop table old_news');
    });
  });

  it('measures how fast ids are used up, and says how long they will do', async () => {
    const useIds = async () => {
      for (let i = 0; i < 15; i++, await sleep(100)) await runAs(clone().superuserUrl, 'select txid_current()');
    };
    const [answer] = await Promise.all([howdah('plain').call('wraparound', { watch_s: 1, limit: 500 }), useIds()]);
    const { xids_per_s, measured_s } = answer['consumption'] as Record<string, number>;
    expect(Number(measured_s)).toBeGreaterThanOrEqual(1);
    expect(Number(xids_per_s)).toBeGreaterThan(0);
    const { xids_left, days_left } = databaseOf(answer, clone().name);
    expect(Number(days_left)).toBeCloseTo(Number(xids_left) / Number(xids_per_s) / 86_400, 0);
  });

  it('shows no databases that the caller may not reach', async () => {
    const narrow = await openNarrowHowdah(clone().superuserUrl, clone().name);
    const answer = await narrow.call('wraparound');
    expect(listOf(answer, 'databases').map(({ database }) => database)).toEqual([clone().name]);
    expect(answer.not_examined?.[0]?.what).toMatch(/^\d+ rows of other databases, among ages of databases$/);
    await narrow.close();
  });

  it('answers at once while a table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table ages."Be hind" in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('wraparound');
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.findings[0]?.claim).toMatch(/a session holds or awaits a lock/);
    });
  });
});

describeEachStandby('wraparound of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('has the ages of its primary, which alone freezes, for %s', async (login) => {
    await caughtUp(cluster);
    const answer = await standby(login).call('wraparound', { limit: 500 });
    expect(Number(databaseOf(answer, clone().name)['xids_left'])).toBeGreaterThan(1_900_000_000);
    expect(rowOf(answer, 'job')['xid_age']).toEqual(expect.any(Number));
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined?.[0]).toMatchObject({ what: 'last vacuum, and what holds back freezing' });
  });
});
