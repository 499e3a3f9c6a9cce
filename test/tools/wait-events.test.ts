import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { executeCall } from '../../src/calls/execute.ts';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { localPrincipal } from '../../src/identity/local-principal.ts';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import {
  loginsOf,
  openHowdah,
  openNarrowHowdah,
  runAs,
  useHowdah,
  type Answer,
  type Howdah,
  type Row,
} from '../postgres/platform.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';

function eventOf(rows: readonly Row[], event: string, database?: string): Row | undefined {
  return rows.find((row) => row['wait_event'] === event && (database === undefined || row['database'] === database));
}

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

/** As withSessions; a statement that takes long does not end with its session, so a superuser cancels it. */
async function withSleepers(
  superuserUrl: string,
  urls: readonly string[],
  work: Parameters<typeof withSessions>[1],
): Promise<void> {
  await withSessions(urls, async (sessions, pids) => {
    try {
      await work(sessions, pids);
    } finally {
      await runAs(superuserUrl, `select pg_cancel_backend(pid) from unnest('{${pids.join()}}'::integer[]) pid`);
    }
  });
}

/** Resolves when so many sessions of the database sleep in pg_sleep(). */
async function sleeping(howdah: Howdah, database: string, sessions = 1): Promise<void> {
  const count = async () => {
    const { rows } = await howdah.call('wait_events', { wait_event_type: 'Timeout', name: 'PgSleep' });
    return eventOf(rows, 'PgSleep', database)?.['sessions'] ?? 0;
  };
  await expect.poll(count).toBe(sessions);
}

describeEachMajor('wait_events', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const isIdentified = (id: unknown) => (cluster.major >= 14 ? /^-?\d+$/.test(String(id)) : id === null);
  const urls = (count: number) => Array.from({ length: count }, () => clone().superuserUrl);

  it.each(loginsOf(cluster))('groups who waits by event, for %s', async (login) => {
    await withSleepers(clone().superuserUrl, urls(5), async ([holder, one, two, sleeper, observer], pids) => {
      const [, b = 0, c = 0] = pids;
      await holder?.query('begin');
      await holder?.query('lock table shop.customers in access exclusive mode');
      for (const each of [one, two]) startStatement(each, 'select count(*) from shop.customers');
      startStatement(sleeper, 'select pg_sleep(20)');
      if (observer) for (const pid of [b, c]) await waitingForLock(observer, pid);
      await sleeping(howdah('superuser'), clone().name);
      const answer = await howdah(login).call('wait_events', { limit: 500 });
      const visible = login !== 'plain';
      expect(eventOf(answer.rows, 'relation', clone().name) !== undefined).toBe(visible);
      expect((answer.not_examined ?? []).map(({ remedy }) => remedy)).toEqual(
        visible ? [] : ['GRANT pg_monitor TO "plain";'],
      );
      const seen = await howdah('monitor').call('wait_events', { wait_event_type: 'Lock', name: 'RELATION' });
      expect(eventOf(seen.rows, 'relation', clone().name)).toMatchObject({
        wait_event_type: 'Lock',
        backend_types: ['client backend'],
        sessions: 2,
        active: 2,
        idle_in_transaction: 0,
        pids: [b, c].toSorted((x, y) => x - y),
        description: cluster.major >= 17 ? 'Waiting to acquire a lock on a relation' : null,
      });
      const clients = await howdah('monitor').call('wait_events', { wait_event_type: 'Client', limit: 500 });
      expect(eventOf(clients.rows, 'ClientRead', clone().name)).toMatchObject({ active: 0, idle_in_transaction: 1 });
    });
  });

  it('shows processes of the server that wait for work only to those who ask', async () => {
    const all = await howdah('monitor').call('wait_events', { limit: 500 });
    expect(all.rows.map(({ wait_event_type }) => wait_event_type)).not.toContain('Activity');
    const answer = await howdah('monitor').call('wait_events', { wait_event_type: 'Activity', limit: 500 });
    expect(eventOf(answer.rows, 'CheckpointerMain')).toMatchObject({
      database: null,
      backend_types: ['checkpointer'],
      sessions: 1,
    });
  });

  it.runIf(cluster.major >= 17)('answers to get_wait_events with all events of a type and what they mean', async () => {
    const locks = await howdah('plain').call('get_wait_events', {
      database_name: clone().name,
      wait_event_type: 'Lock',
    });
    expect(locks.rows.length).toBeGreaterThanOrEqual(12);
    expect(eventOf(locks.rows, 'tuple')).toMatchObject({ description: 'Waiting to acquire a lock on a tuple' });
    const all = await howdah('plain').call('wait_events', { name: '*', limit: 500 });
    expect(all.total).toBeGreaterThan(260);
    expect((await howdah('plain').call('wait_events', { name: '*' })).rows).toHaveLength(20);
  });

  it.runIf(cluster.major < 17)('answers to get_wait_events, and says that it knows no others', async () => {
    const answer = await howdah('monitor').call('get_wait_events', { wait_event_type: 'IPC' });
    expect(answer.not_examined).toMatchObject([{ what: 'events that nobody waits for' }]);
    expect(await howdah('monitor').call('get_wait_events')).not.toHaveProperty('not_examined');
  });

  it('samples what is waited for, by event, database and statement', async () => {
    const card = randomBytes(8).toString('hex');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSleepers(clone().superuserUrl, urls(6), async ([holder, one, two, sleeper, idle, observer], pids) => {
        const [, b = 0, c = 0] = pids;
        await holder?.query('begin');
        await holder?.query('lock table shop.customers in access exclusive mode');
        for (const each of [one, two]) startStatement(each, `select '${card}' from shop.customers`);
        startStatement(sleeper, 'select pg_sleep(20)');
        await idle?.query('begin');
        if (observer) for (const pid of [b, c]) await waitingForLock(observer, pid);
        await sleeping(howdah('superuser'), clone().name);
        const answer = await narrow.call('sample_wait_events', { seconds: 1, interval_ms: 50 });
        expect(answer).toMatchObject({ average_active: 3, most_active: 3, average_idle_in_transaction: 2 });
        expect(answer['samples']).toBeGreaterThan(3);
        expect(answer['seconds']).toBeGreaterThan(0.5);
        expect(answer.rows).toEqual([
          { wait_event_type: 'Lock', wait_event: 'relation', average: 2, percent: 66.67 },
          { wait_event_type: 'Timeout', wait_event: 'PgSleep', average: 1, percent: 33.33 },
        ]);
        expect(listOf(answer, 'databases')).toEqual([
          { database: clone().name, average: 3, percent: 100, mostly: 'Lock:relation' },
        ]);
        expect(listOf(answer, 'statements')).toEqual([
          {
            query_id: null, // it waits before it is analysed
            database: clone().name,
            average: 2,
            percent: 66.67,
            mostly: 'Lock:relation',
            statement: 'select $1 from shop.customers',
          },
          expect.objectContaining({
            query_id: expect.toSatisfy(isIdentified),
            average: 1,
            statement: 'select pg_sleep($1)',
          }),
        ]);
        expect(JSON.stringify(answer)).not.toContain(card);
        expect(answer.findings).toMatchObject([
          { severity: 'warning', claim: 'On average 2 sessions waited for locks of others: 66.67 % of all work.' },
        ]);
        const queries = answer.findings[0]?.next_step ?? '';
        expect((await observer?.query(queries))?.rows).toHaveLength(2);
      });
    } finally {
      await narrow.close();
    }
  });

  it('sees in each sample what is so at that moment', async () => {
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSessions(urls(1), async ([session]) => {
        const sampling = narrow.call('sample_wait_events', { seconds: 1.5, interval_ms: 50 });
        await sleep(600);
        await session?.query('select pg_sleep(0.4)');
        const average = Number(eventOf((await sampling).rows, 'PgSleep')?.['average']);
        expect(average).toBeGreaterThan(0.05);
        expect(average).toBeLessThan(0.95);
      });
    } finally {
      await narrow.close();
    }
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSleepers(other.superuserUrl, [other.superuserUrl], async ([sleeper]) => {
        startStatement(sleeper, 'select pg_sleep(20)');
        await sleeping(howdah('superuser'), other.name);
        const now = await narrow.call('wait_events', { limit: 500 });
        const sampled = await narrow.call('sample_wait_events', { seconds: 0.5, interval_ms: 100 });
        for (const answer of [now, sampled]) {
          expect(eventOf(answer.rows, 'PgSleep')).toBeUndefined();
          expect(JSON.stringify(answer)).not.toContain(other.name);
          expect(answer.not_examined?.[0]?.what).toMatch(/^\d+ rows? of other databases/);
        }
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });

  it('samples for a plain role what it may see, and says what it may not', async () => {
    await withSleepers(clone().superuserUrl, [clone().plainUrl, clone().superuserUrl], async ([own, other]) => {
      startStatement(own, 'select pg_sleep(20)');
      startStatement(other, 'select pg_sleep(20)');
      await sleeping(howdah('superuser'), clone().name, 2);
      const answer = await howdah('plain').call('sample_wait_events', { seconds: 0.5, interval_ms: 100 });
      expect(eventOf(answer.rows, 'PgSleep')).toMatchObject({ average: 1 });
      expect(answer.not_examined).toMatchObject([{ remedy: 'GRANT pg_monitor TO "plain";' }]);
    });
  });
});

describeEachStandby('wait events of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('are sampled there', async () => {
    const url = clone().standby?.superuserUrl ?? '';
    await withSleepers(url, [url], async ([sleeper]) => {
      startStatement(sleeper, 'select pg_sleep(20)');
      await sleeping(standby('superuser'), clone().name);
      const answer = await standby('monitor').call('sample_wait_events', { seconds: 0.5, interval_ms: 100 });
      expect(eventOf(answer.rows, 'PgSleep')?.['average']).toBeGreaterThanOrEqual(1);
    });
  });
});

/** A call of which one hears how far it is, and which one can leave. */
function sample(howdah: Howdah, input: Row, signal = new AbortController().signal) {
  const told: [number, number | undefined][] = [];
  const outcome = executeCall(
    {
      catalog: howdah.platform.catalog,
      name: 'sample_wait_events',
      arguments: input,
      principal: localPrincipal('dba', 'tester'),
      origin: { transport: 'cli' },
      signal,
      onProgress: (_, done, total) => told.push([done, total]),
    },
    howdah.platform.deps,
  );
  return { told, outcome };
}

describe('sampling', () => {
  const clone = useClone(newestCluster(), 'fixture_ext');

  it('tells how far it is, and has the time that it asks for', async () => {
    const howdah = await openHowdah(clone().monitorUrl);
    const { told, outcome } = sample(howdah, { seconds: 3, interval_ms: 100, timeout_s: 1 });
    expect(await outcome).toMatchObject({ ok: true, output: { samples: expect.any(Number) } });
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(told.every(([done, total], i) => total === 3 && done > (told[i - 1]?.[0] ?? 0) && done <= 3)).toBe(true);
    await howdah.close();
  });

  it('ends when the caller leaves', async () => {
    const howdah = await openHowdah(clone().monitorUrl);
    const caller = new AbortController();
    const { outcome } = sample(howdah, { seconds: 30 }, caller.signal);
    await sleep(300);
    const left = performance.now();
    caller.abort();
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
    expect(performance.now() - left).toBeLessThan(1000);
    await howdah.close();
  });

  it('says that sessions are not tracked', async () => {
    const monitor = `alter role monitor in database "${clone().name}"`;
    await runAs(clone().superuserUrl, `${monitor} set track_activities = off`);
    const howdah = await openHowdah(clone().monitorUrl);
    for (const [tool, input] of [
      ['sample_wait_events', { seconds: 0.5 }],
      ['long_transactions', {}],
    ] as const) {
      const answer = await howdah.call(tool, input);
      expect(answer.not_examined).toMatchObject([
        { remedy: expect.stringMatching(/^ALTER SYSTEM SET track_activities = on;/) },
      ]);
    }
    await howdah.close();
    await runAs(clone().superuserUrl, `${monitor} reset track_activities`);
  });

  it('answers with what it has when it may not take longer, and says so', async () => {
    const howdah = await openHowdah(clone().monitorUrl, 'hasty', (config) => ({
      ...config,
      personas: {
        ...config.personas,
        hasty: PersonaSpec.parse({ tools: { allow: ['*'] }, limits: { statement_timeout: '2s' } }),
      },
    }));
    const answer = await howdah.call('sample_wait_events', { seconds: 40 });
    expect(answer['samples']).toBeGreaterThan(1);
    expect(Number(answer['seconds'])).toBeLessThan(2);
    expect(answer.not_examined).toMatchObject([{ what: expect.stringMatching(/^(38|39) of the 40 s/) }]);
    await howdah.close();
  });
});
