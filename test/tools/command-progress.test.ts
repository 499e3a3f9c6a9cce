import { beforeAll, expect, it } from 'vitest';
import pg from 'pg';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Howdah,
  type Row,
} from '../postgres/platform.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';

function rowOf({ rows }: Answer, pid: number): Row | undefined {
  return rows.find((row) => row['pid'] === pid);
}

/** An index over planted.pause(a) takes as long to build as its session wants. */
const PLANTED = [
  'create schema planted',
  `create function planted.pause(a integer) returns integer immutable language plpgsql as $$
   begin
     if current_setting('planted.pause', true) = 'sleep' then perform pg_catalog.pg_sleep(30); end if;
     if current_setting('planted.pause', true) = 'lock' then perform pg_catalog.pg_advisory_xact_lock(77); end if;
     return a;
   end $$`,
  'create table planted."Big Table" (a integer)',
  'insert into planted."Big Table" select generate_series(1, 3000)',
  'create index paused on planted."Big Table" (planted.pause(a))',
  'create table planted.copied (a integer)',
  `create function planted.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return new; end $$`,
  'create trigger slow before insert on planted.copied for each row execute function planted.slow()',
];

const SLOW = ['set vacuum_cost_delay = 50', 'set vacuum_cost_limit = 1'];

describeEachMajor('command_progress', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  beforeAll(() => runAs(clone().superuserUrl, ...PLANTED));

  /** Runs a command after `before`, until `work` is done with its process id. */
  async function during(
    command: string,
    before: readonly string[],
    work: (pid: number, observer: pg.Client) => Promise<void>,
  ): Promise<void> {
    const url = clone().superuserUrl;
    await withSessions([url, url], async ([session, observer], [pid = 0]) => {
      for (const statement of before) await session?.query(statement);
      startStatement(session, command);
      try {
        if (observer) await work(pid, observer);
      } finally {
        await observer?.query('select pg_terminate_backend($1)', [pid]);
      }
    });
  }

  /** The row of a command as soon as it is in the phase. */
  async function inPhase(pid: number, phase: RegExp, by: Howdah = howdah('monitor')): Promise<Row> {
    let row: Row | undefined;
    await expect
      .poll(async () => (row = rowOf(await by.call('command_progress', { interval_ms: 0 }), pid))?.['phase'], {
        timeout: 10_000,
      })
      .toMatch(phase);
    return row ?? {};
  }

  it('knows a VACUUM by its progress, and a rate by two looks', async () => {
    await during('vacuum (verbose, analyze) bloat.mostly_dead', SLOW, async (pid) => {
      expect(await inPhase(pid, /^scanning heap$/)).toMatchObject({
        command: 'VACUUM',
        user: 'postgres',
        database: clone().name,
        schema: 'bloat',
        table: 'mostly_dead',
        toast: false,
        index: null,
        started_by: 'session',
        unit: 'blocks',
        step_unit: 'rounds of indexes',
        steps_done: 0,
        waiting_behind: 0,
      });
      const answer = await howdah('monitor').call('get_running_vacuum_operations', { database_name: clone().name });
      const row = rowOf(answer, pid) ?? {};
      const [done, total, rate] = [Number(row['done']), Number(row['total']), Number(row['per_s'])];
      expect(done).toBeLessThan(total);
      expect(row['percent']).toBeCloseTo((100 * done) / total, 1);
      expect(row['scanned_percent']).toBe(row['percent']);
      expect(rate).toBeGreaterThan(0);
      expect(row['remaining_s']).toBeCloseTo((total - done) / rate, -1);
      expect(answer.findings).toEqual([]);
    });
  });

  it('takes no statement for a VACUUM because of its words', async () => {
    const words = '/* vacuum full */ select pg_sleep(30) as "VACUUM ANALYZE REINDEX CLUSTER" from pg_class limit 1';
    await during(words, [], async (pid, observer) => {
      const asleep = async () =>
        (await observer.query(`select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`, [pid]))
          .rowCount;
      await expect.poll(asleep).toBe(1);
      const answer = await howdah('monitor').call('command_progress');
      expect(rowOf(answer, pid)).toBeUndefined();
    });
  });

  it('says who holds up the build of an index', async () => {
    await withSession(clone().superuserUrl, async (holder) => {
      await holder.query('select pg_advisory_lock(77)');
      const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
      const holderPid = rows[0]?.pid ?? 0;
      const create = 'create index "Second" on planted."Big Table" (planted.pause(a))';
      await during(create, [`set planted.pause = 'lock'`], async (pid, observer) => {
        await waitingForLock(observer, pid);
        expect(await inPhase(pid, /^building index: scanning table$/)).toMatchObject({
          command: 'CREATE INDEX',
          schema: 'planted',
          table: 'Big Table',
          unit: 'blocks',
          tuples: 0,
          wait_event_type: 'Lock',
          blocked_by: [holderPid],
        });
        const answer = await howdah('monitor').call('command_progress', { interval_ms: 0, min_wait_s: 0 });
        expect(answer.findings).toMatchObject([
          {
            severity: 'warning',
            claim: `CREATE INDEX of "planted"."Big Table" waits for a lock of session ${holderPid}.`,
            object: '"planted"."Big Table"',
          },
        ]);
        const step = answer.findings[0]?.next_step ?? '';
        expect((await observer.query(step)).rows).toMatchObject([{ pid: holderPid }]);
        expect((await howdah('monitor').call('command_progress', { interval_ms: 0 })).findings).toEqual([]);
      });
    });
  });

  it('says for whose transactions CREATE INDEX CONCURRENTLY waits', async () => {
    await withSession(clone().superuserUrl, async (old) => {
      await old.query('begin isolation level repeatable read');
      const { rows } = await old.query<{ pid: number }>('select pg_backend_pid() as pid from shop.customers limit 1');
      const oldPid = rows[0]?.pid ?? 0;
      await during('create index concurrently "Third" on planted."Big Table" (a)', [], async (pid, observer) => {
        await waitingForLock(observer, pid);
        // a look of ours may have been older than the index, too
        const waitsForOld = async () => (await inPhase(pid, /^waiting for old snapshots$/))['locker_pid'] === oldPid;
        await expect.poll(waitsForOld, { timeout: 10_000 }).toBe(true);
        const { done, total, percent, ...row } = await inPhase(pid, /^waiting for old snapshots$/);
        expect(row).toMatchObject({
          command: 'CREATE INDEX CONCURRENTLY',
          index: 'Third',
          unit: 'transactions',
          per_s: null,
          locker_pid: oldPid,
          blocked_by: [oldPid],
        });
        expect(Number(done)).toBeLessThan(Number(total));
        expect(percent).toBeCloseTo((100 * Number(done)) / Number(total), 1);
        const answer = await howdah('monitor').call('command_progress', { interval_ms: 0, min_wait_s: 0 });
        expect(answer.findings).toMatchObject([{ severity: 'warning', object: '"planted"."Third"' }]);
      });
    });
  });

  it('tells a VACUUM FULL, and says whom it blocks in the words of activity', async () => {
    await during('vacuum full planted."Big Table"', [`set planted.pause = 'sleep'`], async (pid, observer) => {
      expect(await inPhase(pid, /^rebuilding index$/)).toMatchObject({
        command: 'VACUUM FULL',
        table: 'Big Table',
        tuples: 3000,
        unit: 'indexes',
        percent: null,
        waiting_behind: 0,
      });
      await withSessions([clone().superuserUrl], async ([reader], [readerPid = 0]) => {
        startStatement(reader, 'select count(*) from planted."Big Table"');
        await waitingForLock(observer, readerPid);
        const answer = await howdah('monitor').call('command_progress', { interval_ms: 0 });
        expect(rowOf(answer, pid)).toMatchObject({ waiting_behind: 1 });
        const [finding] = answer.findings;
        expect(finding?.claim).toBe('VACUUM FULL of "planted"."Big Table" blocks 1 session.');
        const { findings } = await howdah('monitor').call('activity', { of_database: clone().name });
        const same = findings.find(({ object }) => object === `pid ${pid}`);
        expect([finding?.object, finding?.next_step]).toEqual([same?.object, same?.next_step]);
      });
    });
  });

  it.runIf(cluster.major >= 13)('follows an ANALYZE', async () => {
    await during('analyze bloat.mostly_dead', SLOW, async (pid) => {
      const row = await inPhase(pid, /^acquiring sample rows$/);
      expect(row).toMatchObject({ command: 'ANALYZE', table: 'mostly_dead', unit: 'blocks', step_unit: null });
      expect(Number(row['total'])).toBeGreaterThan(100);
    });
  });

  it.runIf(cluster.major >= 14)('follows a COPY, whose end it does not know', async () => {
    await during(`copy planted.copied from program 'seq 1000'`, [], async (pid) => {
      await inPhase(pid, /^PROGRAM$/);
      const row = rowOf(await howdah('monitor').call('command_progress'), pid);
      expect(row).toMatchObject({
        command: 'COPY FROM',
        schema: 'planted',
        table: 'copied',
        unit: 'bytes',
        total: null,
        percent: null,
        remaining_s: null,
      });
      expect(row?.['tuples']).toBeGreaterThan(0);
    });
  });

  it.runIf(cluster.major >= 13)('follows a base backup', async () => {
    const { socketDir: host, port } = cluster;
    const config = { host, port, user: 'postgres', password: '', replication: 'true' };
    const backup = new pg.Client(config);
    backup.on('error', () => {}); // it is cut off
    await backup.connect();
    const fast =
      cluster.major >= 15
        ? `BASE_BACKUP (PROGRESS, MAX_RATE 32, CHECKPOINT 'fast')`
        : 'BASE_BACKUP PROGRESS FAST MAX_RATE 32';
    startStatement(backup, fast);
    const row = async () => {
      const { rows } = await howdah('monitor').call('command_progress', { interval_ms: 0 });
      return rows.find(({ command }) => command === 'BASE BACKUP');
    };
    await expect.poll(async () => (await row())?.['phase'], { timeout: 15_000 }).toBe('streaming database files');
    const { done, total, percent, ...rest } = (await row()) ?? {};
    expect(rest).toMatchObject({
      database: null,
      table: null,
      unit: 'bytes',
      step_unit: 'tablespaces',
      steps_total: 1,
    });
    expect(Number(total)).toBeGreaterThan(10_000_000);
    expect(percent).toBeCloseTo((100 * Number(done)) / Number(total), 1);
    const { rows } = await howdah('monitor').call('command_progress', { interval_ms: 0 });
    await runAs(cluster.superuserUrl, `select pg_terminate_backend(${rows[0]?.['pid'] as number})`);
    await backup.end().catch(() => undefined);
  });

  it.runIf(cluster.major >= 17)('reports a VACUUM whose memory is too small', async () => {
    const little = ['set vacuum_cost_delay = 100', 'set vacuum_cost_limit = 150', `set maintenance_work_mem = '64kB'`];
    await during('vacuum bloat.mostly_dead', little, async (pid) => {
      const finding = async () => {
        const { findings } = await howdah('monitor').call('command_progress', { interval_ms: 0 });
        return findings.find(({ object }) => object === '"bloat"."mostly_dead"');
      };
      await expect
        .poll(finding, { timeout: 10_000 })
        .toMatchObject({ severity: 'warning', evidence: { memory_size: 65_536 } });
      expect((await finding())?.next_step).toMatch(/^SET maintenance_work_mem = '64MB'; -- /);
      expect(
        rowOf(await howdah('monitor').call('command_progress', { interval_ms: 0 }), pid)?.['steps_done'],
      ).toBeGreaterThan(0);
    });
  });

  it('says which commands tell no progress yet', async () => {
    const answer = await howdah('superuser').call('command_progress');
    const gaps = (answer.not_examined ?? []).map(({ what }) => what);
    const silent = ['ANALYZE and base backups', 'COPY'];
    expect(gaps).toEqual(cluster.major >= 14 ? [] : silent.slice(cluster.major - 12));
  });

  it.each(loginsOf(cluster))(
    'names no table of another database, and hides from whom may not see, for %s',
    async (login) => {
      const other = await cloneDatabase(cluster);
      const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
      const vacuum = runAs(other.superuserUrl, ...SLOW, 'vacuum bloat.mostly_dead').catch(() => []); // it is ended with its database
      try {
        const ofOther = async () => {
          const { rows } = await howdah(login).call('command_progress', { interval_ms: 0 });
          return rows.find(({ database }) => database === other.name);
        };
        await expect.poll(ofOther, { timeout: 10_000 }).toMatchObject({ command: 'VACUUM' });
        const row = await ofOther();
        expect([row?.['schema'], row?.['table'], row?.['started_by']]).toEqual([
          null,
          null,
          login === 'plain' ? null : 'session',
        ]);
        expect(row?.['phase'] === null).toBe(login === 'plain');
        const hidden = await narrow.call('command_progress', { interval_ms: 0 });
        expect(JSON.stringify(hidden)).not.toContain(other.name);
        expect(hidden.not_examined?.[0]?.what).toBe('1 row of other databases');
      } finally {
        await narrow.close();
        await other.drop();
        await vacuum;
      }
    },
  );
});

describeEachStandby('command_progress of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('has nothing to say where nothing runs', async () => {
    const answer = await standby('monitor').call('command_progress', { limit: 1 });
    expect(answer).toMatchObject({ rows: [], findings: [], truncated: false });
  });
});
