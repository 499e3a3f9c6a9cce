import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { quoteLiteral } from '../../src/tools/kit/index.ts';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';
import { fieldsOf } from './advice.ts';

function rowsOf({ rows }: Answer, pid: number): Row[] {
  return rows.filter((row) => row['pid'] === pid);
}

function waitOf({ rows }: Answer, pid: number): Row | undefined {
  return rows.find((row) => row['pid'] === pid && row['granted'] === false);
}

describeEachMajor('locks', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const inClone = (input: Row = {}): Row => ({ of_database: clone().name, ...input });
  const urls = (count: number) => Array.from({ length: count }, () => clone().superuserUrl);

  it.each(loginsOf(cluster))(
    'lists who holds and who waits, and blames by the order of the queue, for %s',
    async (login) => {
      await withSessions(urls(4), async ([reader, writer, late, observer], [a = 0, b = 0, c = 0]) => {
        await reader?.query('begin');
        await reader?.query('select count(*) from shop."Order"');
        startStatement(writer, 'alter table shop."Order" add column planted integer');
        if (observer) await waitingForLock(observer, b);
        startStatement(late, 'select count(*) from shop."Order"');
        if (observer) await waitingForLock(observer, c);
        const answer = await howdah(login).call('locks', inClone({ name: 'order', limit: 500 }));
        const about = { schema: 'shop', relation: 'Order', target: null, relation_oid: null, database: clone().name };
        expect(waitOf(answer, b)).toMatchObject({ ...about, mode: 'AccessExclusiveLock', blocked_by: [a] });
        expect(waitOf(answer, c)).toMatchObject({
          ...about,
          mode: 'AccessShareLock',
          blocked_by: [b],
          user: 'postgres',
        });
        expect(waitOf(answer, c)).toMatchObject(
          login === 'plain'
            ? { state: null, statement: null }
            : { state: 'active', statement: 'select count(*) from shop."Order"' },
        );
        expect(waitOf(answer, c)?.['wait_s'] === null).toBe(login === 'plain' && cluster.major < 14);
        expect(waitOf(answer, c)?.['waitstart'] === null).toBe(cluster.major < 14);
        expect(rowsOf(answer, a)).toContainEqual(
          expect.objectContaining({ ...about, mode: 'AccessShareLock', granted: true, blocked_by: null, wait_s: null }),
        );
        expect(answer.rows.slice(0, 2).map(({ pid }) => pid)).toEqual([b, c]);
        const tree = await howdah(login).call('blocking_tree', inClone());
        expect(answer.findings.map(({ claim }) => claim)).toEqual(tree.findings.map(({ claim }) => claim));
        expect(answer.findings).toMatchObject([{ object: `pid ${a}`, evidence: { waiting_behind: 2 } }]);
        expect((answer.not_examined ?? []).map(({ remedy }) => remedy)).toEqual(
          login === 'plain' ? ['GRANT pg_monitor TO "plain";'] : [],
        );
      });
    },
  );

  it('writes advisory keys as they were given, and blames only who holds the same', async () => {
    await withSessions(urls(3), async ([one, two, three], [a = 0, b = 0, c = 0]) => {
      await one?.query('select pg_advisory_lock(-1), pg_advisory_lock(9223372036854775807), pg_advisory_lock(-2, 7)');
      await two?.query('select pg_advisory_lock_shared(1), pg_advisory_lock(2147483647, -2147483648)');
      startStatement(three, 'select pg_advisory_lock(-2, 7)');
      if (two) await waitingForLock(two, c);
      const answer = await howdah('monitor').call('locks', inClone({ locktype: 'advisory' }));
      const keys = (pid: number) => rowsOf(answer, pid).map(({ mode, target }) => `${mode} ${target}`);
      expect(new Set(keys(a))).toEqual(
        new Set(['ExclusiveLock -1', 'ExclusiveLock 9223372036854775807', 'ExclusiveLock -2, 7']),
      );
      expect(new Set(keys(b))).toEqual(new Set(['ShareLock 1', 'ExclusiveLock 2147483647, -2147483648']));
      expect(rowsOf(answer, c)).toMatchObject([{ granted: false, target: '-2, 7', blocked_by: [a] }]);
    });
  });

  it('names the prepared transaction that holds a lock', async () => {
    const gid = `it's ${randomBytes(4).toString('hex')}`;
    const url = clone().superuserUrl;
    await runAs(url, 'begin', 'lock table shop.order_lines', `prepare transaction ${quoteLiteral(gid)}`);
    try {
      await withSessions(urls(2), async ([waiter, observer], [a = 0]) => {
        startStatement(waiter, 'select count(*) from shop.order_lines');
        if (observer) await waitingForLock(observer, a);
        const answer = await howdah('plain').call('locks', inClone({ name: 'order_lines' }));
        expect(fieldsOf(answer, 'pid', 'gid', 'user', 'mode', 'granted', 'blocked_by')).toEqual([
          [a, null, 'postgres', 'AccessShareLock', false, [0]],
          [0, gid, 'postgres', 'AccessExclusiveLock', true, null],
        ]);
      });
    } finally {
      await runAs(url, `rollback prepared ${quoteLiteral(gid)}`);
    }
  });

  it('blames of CREATE INDEX CONCURRENTLY, which waits for a transaction, that one alone', async () => {
    await withSessions(urls(4), async ([old, builder, bystander, observer], [a = 0, b = 0]) => {
      await old?.query('begin isolation level repeatable read');
      await old?.query('select count(*) from shop.customers');
      await bystander?.query('select pg_advisory_lock(5)');
      startStatement(builder, 'create index concurrently planted on indexes.overlapping (b)');
      if (observer) await waitingForLock(observer, b);
      const answer = await howdah('monitor').call('locks', inClone({ granted: 'false' }));
      expect(answer.rows).toMatchObject([
        {
          pid: b,
          locktype: 'virtualxid',
          mode: 'ShareLock',
          blocked_by: [a],
          relation: null,
          target: expect.stringMatching(/^\d+\/\d+$/),
        },
      ]);
      await observer?.query('select pg_cancel_backend($1)', [b]);
    });
    await runAs(clone().superuserUrl, 'drop index concurrently if exists indexes.planted');
  });

  it('filters as get_lock_monitoring did', async () => {
    await withSessions([...urls(1), clone().plainUrl], async ([one, two], [a = 0, b = 0]) => {
      await one?.query('begin');
      await one?.query('lock table shop.customers, "we.ird"."Mixed Case" in share mode');
      await two?.query('begin');
      await two?.query('select count(*) from shop."Order"');
      const call = (input: Row) =>
        howdah('monitor').call('get_lock_monitoring', { of_database: clone().name, limit: 500, ...input });
      const pids = async (input: Row) => [...new Set((await call(input)).rows.map(({ pid }) => pid))];
      expect(await pids({ username: 'plain', database_name: clone().name })).toEqual([b]);
      expect(await pids({ mode: 'ShareLock', locktype: 'relation' })).toEqual([a]);
      expect(await pids({ granted: 'true', state: 'idle in transaction', name: 'c*s' })).toEqual([a]);
      expect(await pids({ granted: 'false' })).toEqual([]);
      expect(await pids({ granted: false })).toEqual([]);
      expect(await pids({ granted: true, schema: 'we.ird' })).toEqual([a]);
      expect(await pids({ state: 'active' })).toEqual([]);
      expect(await pids({ of_database: 'no such database' })).toEqual([]);
      await expect(call({ mode: 'Share' })).rejects.toThrow('mode');
      const weird = await call({ schema: 'we.ird' });
      expect(weird.rows).toMatchObject([
        { schema: 'we.ird', relation: 'Mixed Case', mode: 'ShareLock', fastpath: false },
      ]);
      const weak = await call({ user: 'plain', name: 'Order' });
      expect(weak.rows[0]).toMatchObject({ relation: 'Order', mode: 'AccessShareLock', fastpath: true });
      const some = await call({ limit: 2, of_database: clone().name });
      expect(some).toMatchObject({ truncated: true, total: (await call({})).rows.length });
    });
  });

  it('counts all locks of the server, those of serializable transactions too', async () => {
    await withSessions(urls(2), async ([one, two], [a = 0]) => {
      await two?.query('begin');
      await two?.query('lock table shop.customers in share mode');
      await one?.query('begin isolation level serializable');
      await one?.query('select count(*) from shop.order_lines');
      const answer = await howdah('monitor').call('locks', inClone({ mode: 'SIReadLock' }));
      expect(answer.rows).toMatchObject([{ pid: a, locktype: 'relation', schema: 'shop', relation: 'order_lines' }]);
      const counts = answer['counts'] as readonly Row[];
      const count = (mode: string) => counts.find((row) => row['mode'] === mode && row['locktype'] === 'relation');
      expect(count('SIReadLock')).toMatchObject({ granted: 1, waiting: 0, fastpath: 0, holders: 1 });
      expect(count('ShareLock')?.['granted']).toBeGreaterThanOrEqual(1);
      const { places, percent, locked_objects } = answer['lock_table'] as Row;
      expect(Number(places)).toBeGreaterThanOrEqual(64 * 104);
      expect(percent).toBeCloseTo((100 * Number(locked_objects)) / Number(places), 1);
      expect(answer.findings).toEqual([]);
    });
  });

  it('resolves no relation of another database, and shows none that the persona does not open', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await runAs(other.superuserUrl, 'create table public.secret_name ()');
      await withSession(other.superuserUrl, async (session) => {
        await session.query('begin');
        const { rows } = await session.query<{ oid: number }>(`select 'public.secret_name'::regclass::oid as oid`);
        await session.query('lock table public.secret_name');
        const answer = await howdah('monitor').call('locks', { of_database: other.name, mode: 'AccessExclusiveLock' });
        expect(answer.rows).toMatchObject([
          { database: other.name, schema: null, relation: null, relation_oid: rows[0]?.oid, target: null },
        ]);
        const there = await howdah('monitor').call('locks', { database: other.name, name: 'secret_name' });
        expect(there.rows).toMatchObject([{ schema: 'public', relation: 'secret_name', relation_oid: null }]);
        const hidden = await narrow.call('locks', { limit: 500 });
        expect(JSON.stringify(hidden)).not.toContain(other.name);
        expect(hidden.not_examined?.[0]?.what).toMatch(/^\d+ rows? of other databases$/);
        expect(hidden).not.toHaveProperty('total');
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });
});

describeEachStandby('locks of a standby', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('are those that are replayed, too', async () => {
    await withSession(clone().superuserUrl, async (primary) => {
      await primary.query('begin');
      await primary.query('lock table shop.customers');
      await runAs(clone().superuserUrl, 'create temp table flushes ()');
      const replayed = async () => {
        const input = { mode: 'AccessExclusiveLock', of_database: clone().name };
        return (await standby('monitor').call('locks', input)).rows;
      };
      await expect.poll(replayed).toMatchObject([{ schema: 'shop', relation: 'customers', user: null, gid: null }]);
    });
  });
});

describe('the lock table', () => {
  it('is judged before it is full', { timeout: 60_000 }, async () => {
    const small = {
      max_locks_per_transaction: '10',
      max_connections: '20',
      max_worker_processes: '2',
      max_wal_senders: '2',
    };
    await withSeparateServer(small, async (_, url) => {
      const howdah = await openHowdah(url);
      await withSession(url.replace('postgres:///', 'postgres://localhost/'), async (session) => {
        const { places } = (await howdah.call('locks'))['lock_table'] as { places: number };
        const lock = (from: number, to: number) =>
          session.query('select pg_advisory_lock(key) from generate_series($1::integer, $2) key', [from, to]);
        await lock(1, Math.ceil(0.7 * places));
        const filling = await howdah.call('locks');
        expect(filling.findings).toMatchObject([{ severity: 'warning', object: '"max_locks_per_transaction"' }]);
        await lock(Math.ceil(0.7 * places) + 1, places);
        const full = await howdah.call('locks');
        expect(full.findings).toMatchObject([{ severity: 'critical' }]);
        expect((full['lock_table'] as Row)['percent']).toBeGreaterThanOrEqual(100);
        expect(full.rows).toHaveLength(20);
        expect(full.total).toBeGreaterThanOrEqual(places);
        await expect(lock(places + 1, 50 * places)).rejects.toThrow('out of shared memory');
      });
      await howdah.close();
    });
  });
});
