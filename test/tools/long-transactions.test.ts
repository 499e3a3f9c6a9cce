import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { quoteLiteral } from '../../src/tools/kit/index.ts';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { loginsOf, openNarrowHowdah, runAs, useHowdah, type Answer, type Row } from '../postgres/platform.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';

function rowOf({ rows }: Answer, key: string, value: unknown): Row | undefined {
  return rows.find((row) => row[key] === value);
}

/** What is said of a session. */
function said({ findings }: Answer, pid: number): unknown[] {
  return findings
    .filter(({ object }) => object === `pid ${pid}`)
    .map(({ severity, next_step }) => [severity, next_step]);
}

function blocks({ findings }: Answer): unknown[] {
  return findings.map(({ claim, object, next_step }) => [claim, object, next_step]);
}

/** Prepares a transaction in which the table is locked; resolves to its gid. */
async function prepare(url: string, table: string, gid: string): Promise<void> {
  await runAs(url, 'begin', `lock table ${table} in access exclusive mode`, `prepare transaction ${quoteLiteral(gid)}`);
}

describeEachMajor('long_transactions', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const inClone = (input: Row = {}): Row => ({ of_database: clone().name, min_age_s: 0, ...input });
  const urls = (count: number) => Array.from({ length: count }, () => clone().superuserUrl);

  it('shows what they have locked, and what they ran last', async () => {
    const card = randomBytes(8).toString('hex');
    await withSessions(urls(2), async ([one, two], [a = 0, b = 0]) => {
      await one?.query('begin');
      await one?.query('lock table shop."Order", "we.ird"."Mixed Case" in share mode');
      await one?.query('select pg_advisory_xact_lock(1)');
      await one?.query(`update shop.customers set phone = '${card}' where id = 1`);
      await two?.query('begin isolation level repeatable read');
      await two?.query('select 1 as planted');
      const answer = await howdah('monitor').call('long_transactions', inClone());
      expect(answer.rows.map(({ pid }) => pid)).toEqual([a, b]);
      expect(answer.rows[0]).toMatchObject({
        gid: null,
        user: 'postgres',
        database: clone().name,
        backend_type: 'client backend',
        state: 'idle in transaction',
        xmin_age: expect.any(Number),
        writes: true,
        strongest_mode: 'ShareLock',
        strongest_on: ['"we.ird"."Mixed Case"', 'shop."Order"'],
        waiting_behind: 0,
        longest_wait_s: null,
        statement: 'update shop.customers set phone = $1 where id = $2',
      });
      // customers and its two indexes, the two locked, the advisory one
      expect(answer.rows[0]?.['locks']).toBe(6);
      expect(answer.rows[1]).toMatchObject({ locks: 0, strongest_mode: null, strongest_on: null, writes: false });
      expect(JSON.stringify(answer)).not.toContain(card);
      const elsewhere = await howdah('monitor').call('long_transactions', { ...inClone(), database: 'postgres' });
      expect(elsewhere.rows[0]).toMatchObject({ pid: a, strongest_mode: 'ShareLock', strongest_on: null });
    });
  });

  it.each(loginsOf(cluster))('shows only what the login may see, for %s', async (login) => {
    await withSessions([clone().plainUrl, ...urls(1)], async ([own, other], [a = 0, b = 0]) => {
      await own?.query('begin');
      await other?.query('begin');
      const answer = await howdah(login).call('long_transactions', inClone());
      const seen = answer.rows.map(({ pid }) => Number(pid)).filter((pid) => [a, b].includes(pid)); // not autovacuum
      expect(seen).toEqual(login === 'plain' ? [a] : [a, b]);
      const remedies = (answer.not_examined ?? []).map(({ remedy }) => remedy);
      expect(remedies).toEqual(login === 'plain' ? ['GRANT pg_monitor TO "plain";'] : []);
    });
  });

  it('leaves out what is young, or another role’s', async () => {
    await withSessions([...urls(1), clone().plainUrl], async ([one, two], [, b = 0]) => {
      await one?.query('begin');
      await two?.query('begin');
      const pids = async (input: Row) =>
        (await howdah('monitor').call('long_transactions', input)).rows.map(({ pid }) => pid);
      expect(await pids(inClone({ min_age_s: 3600 }))).toEqual([]);
      expect(await pids({ of_database: clone().name })).toEqual([]);
      expect(await pids(inClone({ user: 'plain' }))).toEqual([b]);
      const short = await howdah('monitor').call('long_transactions', inClone({ limit: 1 }));
      expect(short).toMatchObject({ truncated: true });
      expect(short.rows).toHaveLength(1);
    });
  });

  it('says in the words of activity who is idle, who is long and who blocks', async () => {
    await withSessions(urls(5), async ([idle, holder, waiter, late, observer], [a = 0, b = 0, c = 0, d = 0]) => {
      await idle?.query('begin');
      await holder?.query('begin');
      await holder?.query('lock table shop.customers in access exclusive mode');
      startStatement(waiter, 'select count(*) from shop.customers');
      startStatement(late, 'select count(*) from shop.customers');
      if (observer) for (const pid of [c, d]) await waitingForLock(observer, pid);
      await sleep(20);
      const thresholds = { min_wait_s: 0, idle_in_transaction_s: 0, of_database: clone().name };
      const here = await howdah('monitor').call('long_transactions', { ...thresholds, min_age_s: 0 });
      expect(rowOf(here, 'pid', b)).toMatchObject({ waiting_behind: 2, strongest_on: ['shop.customers'] });
      expect(rowOf(here, 'pid', b)?.['longest_wait_s']).toBeGreaterThanOrEqual(0);
      expect(rowOf(here, 'pid', c)).toMatchObject({ waiting_behind: 0, wait_event_type: 'Lock' });
      const there = await howdah('monitor').call('activity', thresholds);
      for (const pid of [a, b, c, d]) expect(said(here, pid)).toEqual(said(there, pid));
      expect(new Set(here.findings.map(({ object }) => object))).toEqual(new Set([`pid ${a}`, `pid ${b}`]));
      expect(here.findings.find(({ object }) => object === `pid ${b}`)?.claim).toBe(
        `Session ${b} blocks 2 sessions; it is idle in transaction.`,
      );
    });
  });

  it.each(loginsOf(cluster))(
    'lists prepared transactions with their locks and whom they block, for %s',
    async (login) => {
      const gid = `it's ${randomBytes(4).toString('hex')}`;
      const url = clone().superuserUrl;
      await withSessions(urls(2), async ([waiter, observer], [a = 0]) => {
        await prepare(url, 'shop.order_lines', gid);
        try {
          startStatement(waiter, 'select count(*) from shop.order_lines');
          if (observer) await waitingForLock(observer, a);
          const long = await howdah(login).call('long_transactions', inClone());
          expect(rowOf(long, 'gid', gid)).toMatchObject({
            pid: 0,
            backend_type: 'prepared transaction',
            user: 'postgres',
            database: clone().name,
            state: null,
            writes: true,
            strongest_mode: 'AccessExclusiveLock',
            strongest_on: ['shop.order_lines'],
            waiting_behind: 1,
          });
          const answer = await howdah(login).call('prepared_transactions', { min_wait_s: 0 });
          expect(answer['about']).toMatchObject({ prepared: expect.any(Number), max_prepared_transactions: 4 });
          expect(rowOf(answer, 'gid', gid)).toMatchObject({
            owner: 'postgres',
            database: clone().name,
            prepared_at: expect.stringMatching(/^20.*Z$/),
            age_s: expect.any(Number),
            xmin_age: expect.any(Number),
            locks: 1,
            strongest_mode: 'AccessExclusiveLock',
            strongest_on: ['shop.order_lines'],
            waiting_behind: 1,
          });
          const tree = await howdah(login).call('blocking_tree', { min_wait_s: 0, of_database: clone().name });
          expect(blocks(answer)).toEqual(blocks(tree));
          expect(answer.findings).toMatchObject([{ claim: 'A prepared transaction blocks 1 session.', object: gid }]);
        } finally {
          await runAs(url, `rollback prepared ${quoteLiteral(gid)}`);
        }
      });
    },
  );

  it('finds orphans, in the words of server_overview, and says how they end', async () => {
    const mark = randomBytes(4).toString('hex');
    const gids = ['a', 'b'].map((each) => `${each}'\\ ${mark}`);
    const url = clone().superuserUrl;
    const [first = ''] = gids;
    try {
      for (const gid of gids)
        await runAs(url, 'begin', `create table t_${gid[0]} ()`, `prepare transaction ${quoteLiteral(gid)}`);
      const answer = await howdah('monitor').call('prepared_transactions', { long_transaction_s: 0 });
      expect(answer.rows.map(({ gid }) => gid)).toEqual(expect.arrayContaining(gids));
      const found = answer.findings.find(({ object }) => object === first);
      const overview = await howdah('monitor').call('server_overview', { long_transaction_s: 0 });
      const there = overview.findings.find(({ object }) => object === first);
      expect(found).toMatchObject({ severity: 'warning', next_step: there?.next_step });
      expect(found?.claim).toMatch(/^A prepared transaction has been waiting for \d+ s, and keeps its locks\.$/);
      const [look = '', end = ''] = found?.next_step?.split('\n') ?? [];
      expect(await runAs(url, look)).toMatchObject([{ gid: first }]);
      await runAs(url, end.replace(/^.*: ROLLBACK/, 'ROLLBACK'));
      const after = await howdah('monitor').call('prepared_transactions');
      expect(rowOf(after, 'gid', first)).toBeUndefined();
      expect(after.findings).toEqual([]);
    } finally {
      const left = await runAs(url, `select gid from pg_prepared_xacts where gid like '%${mark}'`);
      for (const { gid } of left) await runAs(url, `rollback prepared ${quoteLiteral(String(gid))}`);
    }
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase(cluster);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    const gid = `hidden ${randomBytes(4).toString('hex')}`;
    try {
      await withSessions([clone().superuserUrl, other.superuserUrl], async ([one, two], [a = 0]) => {
        await one?.query('begin');
        await two?.query('begin');
        await prepare(other.superuserUrl, 'shop.order_lines', gid);
        for (const tool of ['long_transactions', 'prepared_transactions'] as const) {
          const input = tool === 'long_transactions' ? { min_age_s: 0, idle_in_transaction_s: 0 } : {};
          const answer = await narrow.call(tool, { ...input, long_transaction_s: 0 });
          expect(answer.rows.map(({ pid }) => pid)).toEqual(tool === 'long_transactions' ? [a] : []);
          expect(JSON.stringify(answer)).not.toContain(other.name);
          expect(JSON.stringify(answer)).not.toContain(gid);
          expect(answer.not_examined?.[0]?.what).toMatch(/^\d rows? of other databases$/);
        }
      });
    } finally {
      await runAs(other.superuserUrl, `rollback prepared ${quoteLiteral(gid)}`).catch(() => undefined);
      await narrow.close();
      await other.drop();
    }
  });
});

describeEachStandby('long_transactions of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('lists those there, and says that the primary has the prepared ones', async () => {
    await withSessions([clone().standby?.superuserUrl ?? ''], async ([session], [pid = 0]) => {
      await session?.query('begin');
      await session?.query('select count(*) from shop.customers');
      const answer = await standby('monitor').call('long_transactions', { min_age_s: 0, of_database: clone().name });
      expect(rowOf(answer, 'pid', pid)).toMatchObject({ writes: false, strongest_mode: 'AccessShareLock' });
    });
    const gid = randomBytes(8).toString('hex');
    await prepare(clone().superuserUrl, 'shop.order_lines', gid);
    try {
      const answer = await standby('monitor').call('prepared_transactions');
      expect(answer).toMatchObject({ rows: [], findings: [], not_examined: [{ remedy: 'Ask the primary.' }] });
    } finally {
      await runAs(clone().superuserUrl, `rollback prepared '${gid}'`);
    }
  });
});
