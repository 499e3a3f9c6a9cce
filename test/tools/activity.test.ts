import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';

function rowOf({ rows }: Answer, pid: number): Row | undefined {
  return rows.find((row) => row['pid'] === pid);
}

/** What is seen of the one who blocks, of one who waits, and what would show more: with the right to see it, and without. */
const VISIBLE = {
  holder: {
    state: 'idle in transaction',
    user: 'postgres',
    backend_type: 'client backend',
    transaction_s: expect.any(Number),
  },
  waiter: { state: 'active', wait_event_type: 'Lock', statement: 'select count(*) from shop.customers' },
  remedies: [],
};
const HIDDEN = {
  holder: { state: null, user: 'postgres', backend_type: null, transaction_s: null, statement: null },
  waiter: { state: null, wait_event_type: null, statement: null },
  remedies: ['GRANT pg_monitor TO "plain";'],
};

describeEachMajor('activity', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const inClone = (input: Row = {}): Row => ({ of_database: clone().name, ...input });

  it.each(loginsOf(cluster))('names who blocks whom by the order of the queue, for %s', async (login) => {
    const url = clone().superuserUrl;
    await withSessions([url, url, url, url], async ([holder, second, third, observer], [a = 0, b = 0, c = 0]) => {
      if (!holder || !observer) throw new Error('no session');
      await holder.query('begin');
      await holder.query('select count(*) from shop.customers');
      startStatement(second, 'alter table shop.customers add column planted integer');
      await waitingForLock(observer, b);
      startStatement(third, 'select count(*) from shop.customers');
      await waitingForLock(observer, c);
      const answer = await howdah(login).call('activity', inClone());
      expect(rowOf(answer, a)).toMatchObject({ blocked_by: null, waiting_behind: 2 });
      expect(rowOf(answer, b)).toMatchObject({ blocked_by: [a], waiting_behind: 1 });
      expect(rowOf(answer, c)).toMatchObject({ blocked_by: [b], waiting_behind: 0 });
      expect(answer.rows[0]?.['pid']).toBe(a);
      expect(rowOf(answer, c)?.['wait_s'] === null).toBe(login === 'plain' && cluster.major < 14);
      const root = answer.findings.find(({ object }) => object === `pid ${a}`);
      const timed = login !== 'plain' || cluster.major >= 14;
      expect(root).toMatchObject({ severity: timed ? 'notice' : 'warning', evidence: { waiting_behind: 2 } });
      expect(root?.next_step).toMatch(login === 'plain' ? /^SELECT \* FROM/ : /^SELECT pg_terminate_backend/);
      const impatient = await howdah(login).call('activity', inClone({ min_wait_s: 0 }));
      expect(impatient.findings.find(({ object }) => object === `pid ${a}`)).toMatchObject({ severity: 'warning' });
      expect(answer.findings.map(({ object }) => object)).not.toContain(`pid ${b}`);
      const { holder: seen, waiter, remedies } = login === 'plain' ? HIDDEN : VISIBLE;
      expect(rowOf(answer, a)).toMatchObject({ ...seen, database: clone().name });
      expect(rowOf(answer, c)).toMatchObject(waiter);
      expect((answer.not_examined ?? []).map(({ remedy }) => remedy)).toEqual(remedies);
    });
  });

  it('names the holder of the advisory lock that is waited for, and no other', async () => {
    const url = clone().superuserUrl;
    await withSessions([url, url, url], async ([one, two, three], [a = 0, b = 0, c = 0]) => {
      await one?.query('select pg_advisory_lock(1)');
      await two?.query('select pg_advisory_lock(2)');
      startStatement(three, 'select pg_advisory_lock(1)');
      if (two) await waitingForLock(two, c);
      const answer = await howdah('monitor').call('activity', inClone());
      expect(rowOf(answer, c)).toMatchObject({ blocked_by: [a], wait_event: 'advisory' });
      expect(rowOf(answer, a)).toMatchObject({ waiting_behind: 1, state: 'idle' });
      expect(rowOf(answer, b)).toBeUndefined();
    });
  });

  it.each(loginsOf(cluster))('sees a prepared transaction that blocks, for %s', async (login) => {
    const gid = `it's ${randomBytes(4).toString('hex')}`;
    const url = clone().superuserUrl;
    await withSessions([url, url], async ([one, two], [, b = 0]) => {
      if (!one) throw new Error('no session');
      await one.query('begin');
      await one.query('lock table shop.order_lines in access exclusive mode');
      await one.query(`prepare transaction '${gid.replaceAll("'", "''")}'`);
      try {
        startStatement(two, 'select count(*) from shop.order_lines');
        await waitingForLock(one, b);
        const answer = await howdah(login).call('activity', inClone());
        expect(rowOf(answer, b)).toMatchObject({ blocked_by: [0] });
        expect(rowOf(answer, 0)).toMatchObject({
          backend_type: 'prepared transaction',
          waiting_behind: 1,
          transaction_s: expect.any(Number),
        });
        expect(answer.findings).toContainEqual(
          expect.objectContaining({
            claim: 'A prepared transaction blocks 1 session.',
            next_step: expect.stringContaining('pg_prepared_xacts'),
          }),
        );
      } finally {
        await one.query(`rollback prepared '${gid.replaceAll("'", "''")}'`);
      }
    });
  });

  it.each(loginsOf(cluster))('shows no constant and no password of anybody, to %s', async (login) => {
    const [card, password] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    const role = `planted_${randomBytes(4).toString('hex')}`;
    const url = clone().superuserUrl;
    await withSessions([url, url], async ([one, two], [a = 0, b = 0]) => {
      await one?.query(`/* ${card} */ select '${card}' as card, 1 as planted`);
      await two?.query(`create role ${role} password '${password}'`);
      const answer = await howdah(login).call('activity', inClone({ idle: true }));
      const text = JSON.stringify(answer);
      expect(text).not.toContain(card);
      expect(text).not.toContain(password);
      expect(rowOf(answer, a)).toMatchObject({
        statement: login === 'plain' ? null : 'select $1 as card, $2 as planted',
      });
      expect(rowOf(answer, b)?.['statement'] ?? null).toBe(
        login === 'plain' ? null : '<CREATE ROLE withheld: may contain a password>',
      );
      await two?.query(`drop role ${role}`);
    });
  });

  it('warns of transactions without work, and says what they hold back', async () => {
    await withSessions([clone().superuserUrl], async ([session], [pid = 0]) => {
      await session?.query('begin isolation level repeatable read');
      await session?.query('select count(*) from shop.customers');
      await sleep(20);
      const answer = await howdah('monitor').call('activity', inClone({ idle_in_transaction_s: 0 }));
      expect(rowOf(answer, pid)).toMatchObject({
        state: 'idle in transaction',
        xmin_age: expect.any(Number),
        statement_s: null,
      });
      const state_s = Number(rowOf(answer, pid)?.['state_s']);
      expect(state_s).toBeGreaterThanOrEqual(0.02);
      expect(state_s).toBeLessThan(10);
      expect(answer.findings).toEqual([
        expect.objectContaining({
          severity: 'warning',
          object: `pid ${pid}`,
          next_step: expect.stringContaining('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE '),
        }),
      ]);
      expect((await howdah('monitor').call('activity', inClone())).findings).toEqual([]);
    });
  });

  it('filters by state, age, role and database, and leaves itself out', async () => {
    const { superuserUrl, plainUrl, name } = clone();
    await withSessions([superuserUrl, plainUrl], async ([, plain], [a = 0, b = 0]) => {
      await plain?.query('begin');
      const pids = async (input: Row) => {
        const { rows } = await howdah('monitor').call('activity', inClone(input));
        return rows.map(({ pid }) => pid);
      };
      expect(await pids({})).toEqual([b]);
      expect(await pids({ idle: true })).toEqual(expect.arrayContaining([a, b]));
      const idle = await pids({ state: 'idle', user: 'postgres' });
      expect(idle).toContain(a);
      expect(idle).not.toContain(b);
      expect(await pids({ user: 'plain', state: 'idle in transaction' })).toEqual([b]);
      expect(await pids({ min_age_s: 3600, idle: true })).toEqual([]);
      expect(await pids({ of_database: 'no such database', idle: true })).toEqual([]);
      const answer = await howdah('monitor').call('activity', { background: true, idle: true, limit: 500 });
      expect(answer.rows.map(({ backend_type }) => backend_type)).toContain('checkpointer');
      expect(answer.rows.some(({ statement }) => String(statement).includes('pg_blocking_pids'))).toBe(false);
      expect(answer.rows.some(({ database }) => database === name)).toBe(true);
    });
  });

  it('cuts long statements where it is told to', async () => {
    await withSessions([clone().superuserUrl], async ([session], [pid = 0]) => {
      await session?.query(`select ${Array.from({ length: 60 }, (_, i) => `null as column_${i}`).join(', ')}`);
      const answer = await howdah('monitor').call('activity', inClone({ idle: true, statement_length: 40 }));
      expect(rowOf(answer, pid)?.['statement']).toBe('select null as column_0, null as column…');
    });
  });

  it('advises what ends this session, and no later one with its pid', async () => {
    await withSessions([clone().superuserUrl, clone().superuserUrl], async ([one, two], [pid = 0]) => {
      await one?.query('begin');
      await sleep(20);
      const answer = await howdah('monitor').call('activity', inClone({ idle_in_transaction_s: 0 }));
      const step = answer.findings.find(({ object }) => object === `pid ${pid}`)?.next_step ?? '';
      const later = step.replace(/backend_start = '\d+/, `backend_start = '2001`);
      expect((await two?.query(later))?.rows).toEqual([]);
      expect((await two?.query(step))?.rows).toEqual([{ pg_terminate_backend: true }]);
    });
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase(cluster);
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSessions([clone().superuserUrl, other.superuserUrl], async ([one, two], [a = 0, b = 0]) => {
        await one?.query('begin');
        await two?.query('begin');
        await sleep(20);
        const input = { idle: true, background: true, limit: 500, idle_in_transaction_s: 0 };
        const answer = await narrow.call('activity', input);
        expect(rowOf(answer, a)).toMatchObject({ database: clone().name });
        expect(rowOf(answer, b)).toBeUndefined();
        expect(answer.rows.map(({ backend_type }) => backend_type)).toContain('checkpointer');
        expect(JSON.stringify(answer)).not.toContain(other.name);
        expect(answer.findings.map(({ object }) => object)).not.toContain(`pid ${b}`);
        expect(answer).not.toHaveProperty('total');
        expect(answer.not_examined?.[0]).toEqual({
          what: expect.stringMatching(/^\d+ rows? of other databases$/),
          reason: 'The persona "narrow" does not open them.',
        });
        const asked = await narrow.call('activity', { ...input, of_database: other.name });
        expect(asked.rows).toEqual([]);
        expect((await narrow.call('activity', inClone())).total).toBe(1);
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('says what a member of pg_monitor does not see that does not inherit', async () => {
    const role = `noinherit_${randomBytes(4).toString('hex')}`;
    const { superuserUrl } = clone();
    const url = Object.assign(new URL(superuserUrl), { username: role, password: role }).href;
    await runAs(superuserUrl, `create role ${role} login noinherit password '${role}'`, `grant pg_monitor to ${role}`);
    const unaware = await openHowdah(url);
    try {
      const answer = await unaware.call('activity', inClone({ idle: true }));
      expect(answer.not_examined).toEqual([
        expect.objectContaining({ remedy: expect.stringContaining(`ALTER ROLE "${role}" INHERIT;`) }),
      ]);
      const [remedy = ''] = (answer.not_examined ?? []).map((gap) => gap.remedy ?? '');
      const [alter, since16] = remedy.split(/;\n.*?: /);
      await runAs(superuserUrl, ...(cluster.major >= 16 ? [String(since16)] : []), String(alter));
    } finally {
      await unaware.close();
    }
    const aware = await openHowdah(url);
    expect(await aware.call('activity', inClone())).not.toHaveProperty('not_examined');
    await aware.close();
    await runAs(superuserUrl, `drop role ${role}`);
  });

  it('answers to get_active_connections', async () => {
    expect(await howdah('monitor').call('get_active_connections')).toMatchObject({ truncated: false });
  });
});

describeEachStandby('activity of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('lists the sessions there, for %s', async (login) => {
    const url = clone().standby?.superuserUrl ?? '';
    await withSessions([url], async ([session], [pid = 0]) => {
      await session?.query('begin');
      const answer = await standby(login).call('activity', { of_database: clone().name });
      expect(answer.rows.map((row) => row['pid'])).toContain(pid);
      expect(rowOf(answer, pid)?.['state']).toBe(login === 'plain' ? null : 'idle in transaction');
    });
  });
});

describe('activity in an incident', () => {
  it('asks the hundred that have waited longest, and answers at once', { timeout: 60_000 }, async () => {
    const waiters = 320;
    await withSeparateServer({ max_connections: String(waiters + 10) }, async (_, url) => {
      const howdah = await openHowdah(url);
      const urls = Array.from({ length: waiters + 1 }, () => url.replace('postgres:///', 'postgres://localhost/'));
      await withSessions(urls, async ([holder, ...others], [root = 0]) => {
        await holder?.query('select pg_advisory_lock(1)');
        for (const each of others) startStatement(each, 'select pg_advisory_lock(1)');
        for (let left = 200; left > 0; left--, await sleep(20)) {
          const [row] = (await holder?.query('select count(*)::int as n from pg_locks where not granted'))?.rows ?? [];
          if ((row as { n: number }).n === waiters) break;
        }
        const began = performance.now();
        const answer = await howdah.call('activity', { limit: 500, min_wait_s: 0 });
        expect(performance.now() - began).toBeLessThan(2000);
        expect(answer['about']).toEqual({ waiters, waiters_asked: 100 });
        expect(answer.rows[0]).toMatchObject({ pid: root, waiting_behind: 100, blocked_by: null });
        const critical = answer.findings.filter(({ severity }) => severity === 'critical');
        expect(critical).toMatchObject([{ claim: expect.stringContaining(' blocks at least 100 sessions') }]);
        const tree = await howdah.call('blocking_tree', { min_wait_s: 0 });
        expect(tree.findings[0]?.claim).toContain(' blocks at least 100 sessions');
        expect(tree).not.toHaveProperty('total');
        expect(answer.not_examined?.[0]?.what).toBe(
          `who blocks ${waiters - 100} of the ${waiters} sessions that wait for a lock`,
        );
        await holder?.query('select pg_terminate_backend(pid) from pg_locks where not granted');
      });
      await howdah.close();
    });
  });
});
