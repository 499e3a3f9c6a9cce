import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { quoteLiteral } from '../../src/tools/kit/index.ts';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
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
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';
import { fieldsOf, follow } from './advice.ts';

function rowOf({ rows }: Answer, pid: number): Row | undefined {
  return rows.find((row) => row['pid'] === pid);
}

const update = (id: number) => `update shop."Order" set status = 'paid' where id = ${id}`;

/** What is seen of the root with the right to see it, and without. */
const VISIBLE = {
  holder: { state: 'idle in transaction', statement: 'update shop."Order" set status = $1 where id = $2' },
  severity: 'warning',
  state: '; it is idle in transaction',
  step: /^SELECT pg_terminate_backend/,
  remedies: [],
};
const HIDDEN = {
  holder: { state: null, statement: null },
  severity: 'warning',
  state: '',
  step: /^SELECT \* FROM/,
  remedies: ['GRANT pg_monitor TO "plain";'],
};
const SEEN = { superuser: VISIBLE, monitor: VISIBLE, plain: HIDDEN };

describeEachMajor('blocking_tree', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const inClone = (input: Row = {}): Row => ({ of_database: clone().name, ...input });
  const urls = (count: number) => Array.from({ length: count }, () => clone().superuserUrl);

  it.each(loginsOf(cluster))('follows a chain of row locks to its root, for %s', async (login) => {
    await withSessions(urls(5), async ([one, two, three, four, observer], [a = 0, b = 0, c = 0, d = 0]) => {
      if (!one || !two || !observer) throw new Error('no session');
      await one.query('begin');
      await one.query(update(1));
      await two.query('begin');
      await two.query(update(2));
      startStatement(two, update(1));
      await waitingForLock(observer, b);
      startStatement(three, update(2));
      await waitingForLock(observer, c);
      startStatement(four, update(2));
      await waitingForLock(observer, d);
      const answer = await howdah(login).call('blocking_tree', inClone({ min_wait_s: 0 }));
      expect(fieldsOf(answer, 'depth', 'path', 'blocked_by', 'queued_behind', 'waiting_behind')).toEqual([
        [0, [a], [], [], 3],
        [1, [a, b], [a], [], 2],
        [2, [a, b, c], [b], [], 1],
        [3, [a, b, c, d], [c], [], 0],
      ]);
      expect(fieldsOf(answer, 'lock_type', 'lock_mode', 'relation')).toEqual([
        [null, null, null],
        ['transactionid', 'ShareLock', 'shop."Order"'],
        ['transactionid', 'ShareLock', 'shop."Order"'],
        ['tuple', 'ExclusiveLock', 'shop."Order"'],
      ]);
      expect(rowOf(answer, a)).toMatchObject({ database: clone().name, user: 'postgres', ...SEEN[login].holder });
      expect(rowOf(answer, d)?.['wait_s'] === null).toBe(login === 'plain' && cluster.major < 14);
      expect(answer.findings).toEqual([
        expect.objectContaining({
          severity: SEEN[login].severity,
          object: `pid ${a}`,
          claim: `Session ${a} blocks 3 sessions${SEEN[login].state}.`,
          evidence: expect.objectContaining({ waiting_behind: 3, wanted: 'ShareLock shop."Order"' }),
          next_step: expect.stringMatching(SEEN[login].step),
        }),
      ]);
      expect((answer.not_examined ?? []).map(({ remedy }) => remedy)).toEqual(SEEN[login].remedies);
      const patient = await howdah('monitor').call('blocking_tree', inClone({ min_wait_s: 3600 }));
      expect(patient.findings.map(({ severity }) => severity)).toEqual(['notice']);
    });
  });

  it.each(loginsOf(cluster))(
    'tells those who hold a lock from those who are only ahead in its queue, for %s',
    async (login) => {
      await withSessions(urls(4), async ([reader, writer, late, observer], [a = 0, b = 0, c = 0]) => {
        if (!observer) throw new Error('no session');
        await reader?.query('begin');
        await reader?.query('select count(*) from shop.customers');
        startStatement(writer, 'alter table shop.customers add column planted integer');
        await waitingForLock(observer, b);
        startStatement(late, 'select count(*) from shop.customers');
        await waitingForLock(observer, c);
        const answer = await howdah(login).call('blocking_tree', inClone());
        expect(fieldsOf(answer, 'path', 'blocked_by', 'queued_behind', 'lock_mode', 'relation')).toEqual([
          [[a], [], [], null, null],
          [[a, b], [a], [], 'AccessExclusiveLock', 'shop.customers'],
          [[a, b, c], [], [b], 'AccessShareLock', 'shop.customers'],
        ]);
      });
    },
  );

  it('cancels the ALTER TABLE that waits for a report, after which all others go on', async () => {
    await withSessions(urls(4), async ([report, alter, late, observer], [a = 0, b = 0, c = 0]) => {
      if (!observer) throw new Error('no session');
      startStatement(report, 'select pg_sleep(60) from (select count(*) from shop.customers) x');
      await expect
        .poll(
          async () =>
            (await observer.query('select from pg_stat_activity where pid = $1 and wait_event = $2', [a, 'PgSleep']))
              .rowCount,
        )
        .toBe(1);
      startStatement(alter, 'alter table shop.customers add column planted integer');
      await waitingForLock(observer, b);
      startStatement(late, 'select count(*) from shop.customers');
      await waitingForLock(observer, c);
      const seen = (await howdah('monitor').call('activity', { of_database: clone().name })).findings[0];
      expect(seen?.next_step).not.toMatch(/terminate|cancel_backend/);
      const [finding] = (await howdah('monitor').call('blocking_tree', inClone({ min_wait_s: 0 }))).findings;
      expect(finding).toMatchObject({ object: `pid ${a}`, claim: expect.stringContaining(`All but session ${b} `) });
      await follow(clone().superuserUrl, finding ?? { severity: 'ok', claim: '', evidence: {} });
      await expect.poll(async () => (await howdah('monitor').call('blocking_tree', inClone())).rows).toEqual([]);
      const { rowCount } = await observer.query(`select from pg_stat_activity where pid = $1 and state = 'active'`, [
        a,
      ]);
      expect(rowCount).toBe(1);
      await observer.query('select pg_cancel_backend($1)', [a]);
    });
  });

  it.each(loginsOf(cluster))('names the prepared transaction that blocks, among several, for %s', async (login) => {
    const mark = randomBytes(4).toString('hex');
    const gids = [`it's ${mark}`, `other ${mark}`];
    await withSessions(urls(2), async ([one, two], [, b = 0]) => {
      if (!one) throw new Error('no session');
      for (const [i, table] of ['shop.order_lines', 'shop.customers'].entries()) {
        await one.query('begin');
        await one.query(`lock table ${table} in access exclusive mode`);
        await one.query(`prepare transaction ${quoteLiteral(gids[i] ?? '')}`);
      }
      try {
        startStatement(two, 'select count(*) from shop.order_lines');
        await waitingForLock(one, b);
        const answer = await howdah(login).call('blocking_tree', inClone({ min_wait_s: 0 }));
        expect(fieldsOf(answer, 'path', 'gid', 'backend_type', 'database', 'blocked_by')).toEqual([
          [[0], gids[0], 'prepared transaction', clone().name, []],
          [[0, b], null, login === 'plain' ? null : 'client backend', clone().name, [0]],
        ]);
        expect(answer.rows[0]?.['transaction_s']).toBeGreaterThan(0);
        const [finding] = answer.findings;
        expect(finding).toMatchObject({ object: gids[0], claim: 'A prepared transaction blocks 1 session.' });
        const [look = '', end = ''] = finding?.next_step?.split('\n') ?? [];
        expect((await one.query(look)).rows).toMatchObject([{ gid: gids[0], database: clone().name }]);
        await one.query(end.replace(/^.*: ROLLBACK/, 'ROLLBACK'));
        expect((await howdah(login).call('blocking_tree', inClone())).rows).toEqual([]);
      } finally {
        const left = await runAs(clone().superuserUrl, `select gid from pg_prepared_xacts where gid like '%${mark}'`);
        for (const { gid } of left) await one.query(`rollback prepared ${quoteLiteral(String(gid))}`);
      }
    });
  });

  it('shows sessions that wait for each other, before PostgreSQL ends one', async () => {
    await withSessions(urls(4), async ([one, two, three, observer], [a = 0, b = 0, c = 0]) => {
      if (!observer) throw new Error('no session');
      for (const each of [one, two, three]) await each?.query("set deadlock_timeout = '1h'");
      await one?.query('select pg_advisory_lock(11)');
      await two?.query('select pg_advisory_lock(12)');
      startStatement(one, 'select pg_advisory_lock(12)');
      startStatement(two, 'select pg_advisory_lock(11)');
      startStatement(three, 'select pg_advisory_lock(11)');
      for (const pid of [a, b, c]) await waitingForLock(observer, pid);
      const answer = await howdah('monitor').call('blocking_tree', inClone());
      expect(answer.rows).toHaveLength(3);
      expect(rowOf(answer, c)?.['depth']).toBeGreaterThan(0);
      expect(rowOf(answer, a)?.['blocked_by']).toEqual([b]);
      expect(answer.findings).toEqual([
        expect.objectContaining({
          severity: 'warning',
          claim: expect.stringContaining('2 sessions wait for each other'),
        }),
      ]);
      expect(answer.findings[0]?.object).toMatch(new RegExp(`^pids (${a}, ${b}|${b}, ${a})$`));
      await observer.query('select pg_terminate_backend(pid) from unnest($1::integer[]) as pid', [[a, b, c]]);
    });
  });

  it('takes whole trees by what is in them', async () => {
    await withSessions(urls(3), async ([one, two, observer], [a = 0, b = 0]) => {
      await one?.query('select pg_advisory_lock(21)');
      startStatement(two, 'select pg_advisory_lock(21)');
      if (observer) await waitingForLock(observer, b);
      const pids = async (input: Row) => {
        const { rows } = await howdah('monitor').call('blocking_tree', inClone(input));
        return rows.map(({ pid }) => pid);
      };
      expect(await pids({ lock_type: 'advisory', user: 'postgres' })).toEqual([a, b]);
      expect(await pids({ mode: 'ExclusiveLock', state: 'active' })).toEqual([a, b]);
      expect(await pids({ lock_type: 'relation' })).toEqual([]);
      expect(await pids({ user: 'plain' })).toEqual([]);
      expect((await howdah('monitor').call('blocking_tree', inClone({ limit: 1 }))).truncated).toBe(true);
    });
  });

  it.each(loginsOf(cluster))('shows no constant of anybody, to %s', async (login) => {
    const card = randomBytes(8).toString('hex');
    await withSessions(urls(3), async ([one, two, observer], [, b = 0]) => {
      await one?.query('select pg_advisory_lock(31)');
      startStatement(two, `/* ${card} */ select pg_advisory_lock(31), '${card}'`);
      if (observer) await waitingForLock(observer, b);
      const answer = await howdah(login).call('blocking_tree', inClone());
      expect(rowOf(answer, b)).toMatchObject({ depth: 1 });
      expect(JSON.stringify(answer)).not.toContain(card);
    });
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      const [here, there] = [clone().superuserUrl, other.superuserUrl];
      await withSessions(
        [here, here, there, there, here],
        async ([one, two, three, four, observer], [a = 0, b = 0, , d = 0]) => {
          for (const each of [one, three]) await each?.query('select pg_advisory_lock(41)');
          for (const each of [two, four]) startStatement(each, 'select pg_advisory_lock(41)');
          if (observer) for (const pid of [b, d]) await waitingForLock(observer, pid);
          const answer = await narrow.call('blocking_tree', { min_wait_s: 0 });
          expect(fieldsOf(answer, 'pid')).toEqual([[a], [b]]);
          expect(JSON.stringify(answer)).not.toContain(other.name);
          expect(answer.findings.map(({ object }) => object)).toEqual([`pid ${a}`]);
          expect(answer).not.toHaveProperty('total');
          expect(answer.not_examined?.[0]).toEqual({
            what: expect.stringMatching(/^\d+ rows of other databases$/),
            reason: 'The persona "narrow" does not open them.',
          });
        },
      );
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it.each([{ mode: 'AccessExclusive' }, { state: 'idle in transactions' }, { lock_type: 'table' }])(
    'does not take the misspelt %o for an answer',
    async (input) => {
      await expect(howdah('monitor').call('blocking_tree', inClone(input))).rejects.toThrow(
        String(Object.keys(input)[0]),
      );
    },
  );

  it('has nothing to say where nobody waits', async () => {
    const answer = await howdah('monitor').call('blocking_tree', inClone());
    expect(answer).toMatchObject({ rows: [], findings: [], truncated: false, total: 0 });
    expect(answer).not.toHaveProperty('not_examined');
  });
});

describeEachStandby('blocking_tree of a standby', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('names the process that replays, for %s', async (login) => {
    const there = clone().standby?.superuserUrl ?? '';
    await withSessions([clone().superuserUrl, there, there], async ([primary, reader, observer], [, b = 0]) => {
      const held = `select from pg_locks where relation = 'shop.customers'::regclass and mode = 'AccessExclusiveLock'`;
      const heldThere = async () => {
        await runAs(clone().superuserUrl, 'create temp table flushes ()'); // what was done before goes over with its commit
        return (await observer?.query(held))?.rowCount;
      };
      await expect.poll(heldThere).toBe(0);
      await primary?.query('begin');
      await primary?.query('lock table shop.customers in access exclusive mode');
      await expect.poll(heldThere).toBe(1);
      startStatement(reader, 'select count(*) from shop.customers');
      if (observer) await waitingForLock(observer, b);
      const answer = await standby(login).call('blocking_tree', { of_database: clone().name });
      const [root] = answer.rows;
      expect(root?.['backend_type']).toBe(login === 'plain' ? null : 'startup');
      expect(rowOf(answer, b)).toMatchObject({ depth: 1, relation: 'shop.customers', blocked_by: [root?.['pid']] });
      expect(answer.findings[0]?.next_step).not.toMatch(/terminate|cancel/);
    });
  });
});

describe('blocking_tree in an incident', () => {
  useClusterAlone(newestCluster());

  it('shows a queue of forty once, in which each waits for all before', async () => {
    const cluster = newestCluster();
    const clone = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const howdah = await openHowdah(clone.monitorUrl);
    await withSessions(
      Array<string>(42).fill(clone.superuserUrl),
      async ([holder, observer, ...others], [root = 0]) => {
        await holder?.query('select pg_advisory_lock(1)');
        for (const each of others) startStatement(each, 'select pg_advisory_lock(1)');
        for (let left = 200; left > 0; left--, await sleep(20)) {
          const { rows } = (await observer?.query('select from pg_locks where not granted')) ?? { rows: [] };
          if (rows.length >= others.length) break;
        }
        const began = performance.now();
        const answer = await howdah.call('blocking_tree', { of_database: clone.name, min_wait_s: 0 });
        expect(performance.now() - began).toBeLessThan(2000);
        expect(answer.rows).toHaveLength(41);
        expect(answer.rows[0]).toMatchObject({ pid: root, waiting_behind: 40, blockers: 0 });
        expect(answer.rows.slice(1).every(({ depth }) => depth === 1)).toBe(true);
        expect(
          answer.rows
            .map(({ blockers }) => blockers)
            .toSorted((x, y) => Number(x) - Number(y))
            .at(-1),
        ).toBe(40);
        expect(answer.findings).toEqual([expect.objectContaining({ severity: 'critical', object: `pid ${root}` })]);
      },
    );
    await howdah.close();
    await clone.drop();
  });
});
