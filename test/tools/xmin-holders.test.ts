import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type pg from 'pg';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Howdah,
  type Row,
} from '../postgres/platform.ts';
import { useClusterAlone } from '../postgres/sessions.ts';
import { follow } from './advice.ts';

/** What autovacuum_status has of the slot, and what it could not show. */
async function holderFrom(howdah: Howdah, slot: string) {
  const answer = await howdah.call('autovacuum_status');
  const found = (answer['holders'] as readonly Row[]).find(({ name }) => name === slot);
  return { found, told: answer.not_examined?.map(({ what }) => what).join() ?? '' };
}

const mark = randomBytes(4).toString('hex');

function holderOf({ rows }: Answer, name: string): Row {
  return rows.find((row) => row['name'] === name) ?? {};
}

/** A transaction with an id, and the pid of its session. */
async function hold(session: pg.Client, statement: string): Promise<string> {
  await session.query('begin');
  await session.query('select txid_current()');
  const { rows } = await session.query<{ pid: string }>('select pg_backend_pid()::text as pid');
  await session.query(statement);
  return rows[0]?.pid ?? '';
}

describeEachMajor('xmin_holders', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const other = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);
  const slot = `slot_${mark}_${cluster.major}`;
  const gid = `gid ' ${mark}`;

  // a slot for logical changes waits for all transactions that run
  beforeAll(async () => {
    await runAs(
      clone().superuserUrl,
      `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`,
      'begin',
      'create table public.prepared ()',
      `prepare transaction '${gid.replaceAll("'", "''")}'`,
    );
    await runAs(clone().superuserUrl, ...Array.from({ length: 20 }, () => 'select txid_current()'));
  }, 60_000);
  afterAll(async () => {
    await runAs(clone().superuserUrl, `rollback prepared '${gid.replaceAll("'", "''")}'`);
    await runAs(clone().superuserUrl, `select pg_drop_replication_slot('${slot}')`);
  });

  it.each(['superuser', 'monitor'] as const)(
    'tells who holds back what, since when, and masks what they run, for %s',
    async (login) => {
      await withSession(clone().superuserUrl, async (session) => {
        const pid = await hold(session, `select 'planted secret 4711'`);
        const answer = await howdah(login).call('xmin_holders', { limit: 100 });
        expect(holderOf(answer, pid)).toMatchObject({
          kind: 'session',
          holds: 'database',
          database: clone().name,
          pid: Number(pid),
          user: 'postgres',
          state: 'idle in transaction',
          since: expect.stringMatching(/Z$/),
          transaction_s: expect.any(Number),
          statement: 'select $1',
        });
        expect(holderOf(answer, gid)).toMatchObject({
          kind: 'prepared_transaction',
          holds: 'database',
          pid: null,
          statement: null,
        });
        expect(Number(holderOf(answer, gid)['xmin_age'])).toBeGreaterThanOrEqual(20);
        expect(holderOf(answer, slot)).toMatchObject({
          kind: 'slot',
          holds: 'catalogs',
          state: 'inactive',
          database: clone().name,
        });
        expect(JSON.stringify(answer)).not.toContain('4711');
      });
    },
  );

  it('judges as autovacuum_status does, and follows to the holder', async () => {
    const there = await howdah('monitor').call('autovacuum_status', { max_xmin_age: 10 });
    const here = await howdah('monitor').call('xmin_holders', { max_xmin_age: 10, limit: 100 });
    const judged = there.findings.find(({ claim }) => claim.includes('keeps VACUUM from removing rows that were'));
    const found = here.findings.find(({ object }) => object === judged?.object);
    expect(judged?.evidence['kind']).toBe('prepared_transaction');
    expect(found).toMatchObject({ severity: 'warning', why: judged?.why, next_step: judged?.next_step });
    const catalogs = here.findings.find(({ object }) => object === `"${slot}"`);
    expect(catalogs).toMatchObject({ severity: 'notice' });
    await follow(clone().superuserUrl, catalogs ?? { severity: 'ok', claim: '', evidence: {} });
    expect((await howdah('monitor').call('xmin_holders', { limit: 100 })).findings).toEqual([]);
  });

  it('says in every database which slot holds back the catalogs, to those who may reach its own', async () => {
    const reaching = await openHowdah(other().monitorUrl);
    const { found } = await holderFrom(reaching, slot);
    expect(found).toMatchObject({ kind: 'slot', catalogs_only: true, database: clone().name });
    await reaching.close();
    const narrow = await openNarrowHowdah(other().monitorUrl, other().name);
    const withheld = await holderFrom(narrow, slot);
    expect(withheld.found).toBeUndefined();
    expect(withheld.told).toContain('of other databases, among what holds back');
    await narrow.close();
  });

  it('says what holds back another database, to those who may reach it', async () => {
    await withSession(other().superuserUrl, async (session) => {
      const pid = await hold(session, 'select 1');
      await runAs(clone().superuserUrl, ...Array.from({ length: 12 }, () => 'select txid_current()'));
      const answer = await howdah('monitor').call('xmin_holders', { max_xmin_age: 10, limit: 100 });
      expect(holderOf(answer, pid)).toMatchObject({ database: other().name, holds: 'database' });
      expect(answer.findings.map(({ object }) => object)).toContain(`pid ${pid}`);
      const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
      const withheld = await narrow.call('xmin_holders', { max_xmin_age: 10, limit: 100 });
      expect(holderOf(withheld, pid)).toEqual({});
      expect(withheld.not_examined).toMatchObject([{ what: expect.stringMatching(/rows? of other databases$/) }]);
      await narrow.close();
    });
  });

  it('tells a plain role that it sees transactions of others no more than it does', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      const pid = await hold(session, 'select 1');
      const answer = await howdah('plain').call('xmin_holders', { limit: 100 });
      expect(holderOf(answer, pid)).toEqual({});
      expect(answer.not_examined).toContainEqual(expect.objectContaining({ remedy: 'GRANT pg_monitor TO "plain";' }));
    });
  });
});

describeEachStandby('xmin_holders of a standby', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('shows its sessions, which hold back the primary or nothing', async () => {
    await withSession(String(clone().standby?.superuserUrl), async (session) => {
      await session.query('begin isolation level repeatable read');
      const { rows } = await session.query<{ pid: string }>('select pg_backend_pid()::text as pid');
      const answer = await standby('monitor').call('xmin_holders', { max_xmin_age: 0, limit: 100 });
      expect(holderOf(answer, rows[0]?.pid ?? '')).toMatchObject({ kind: 'session', state: 'idle in transaction' });
      expect(answer.findings).toEqual([]);
      expect(answer.not_examined?.[0]?.reason).toMatch(/hot_standby_feedback is off: these hold back nothing/);
    });
  });
});
