import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
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

const mark = randomBytes(4).toString('hex');

/** Two of the four do nothing, one has a table locked, and one waits for it. */
const SEEN = {
  active: 1,
  idle: 2,
  idle_for_long: 0,
  idle_in_transaction: 1,
  longest_idle_in_transaction_s: expect.any(Number),
  waiting_for_lock: 1,
};
const HIDDEN = Object.fromEntries(Object.keys(SEEN).map((key) => [key, null]));

/** As an application of that name. */
function calling(url: string, application: string): string {
  const named = new URL(url);
  named.searchParams.set('application_name', application);
  return named.href;
}

function findingOn({ findings }: Answer, object: string) {
  return findings.find((finding) => finding.object === object);
}

describeEachMajor('connections', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('counts them by what is asked for, for %s', async (login) => {
    const urls = Array<string>(4).fill(calling(clone().superuserUrl, `web ${mark}`));
    await withSessions([...urls, clone().superuserUrl], async ([one, two, , , observer], [, b = 0]) => {
      await one?.query('begin');
      await one?.query('lock table shop.customers in access exclusive mode');
      startStatement(two, 'select count(*) from shop.customers');
      if (observer) await waitingForLock(observer, b);
      const answer = await howdah(login).call('connections', { limit: 500 });
      const row = answer.rows.find(({ application }) => application === `web ${mark}`);
      expect(row).toMatchObject({
        database: clone().name,
        user: 'postgres',
        client_address: null,
        connections: 4,
        percent: 4.12, // of 97
        ...(login === 'plain' ? HIDDEN : SEEN),
      });
      const remedies = (answer.not_examined ?? []).flatMap(({ remedy }) => remedy ?? []);
      expect(remedies).toEqual(login === 'plain' ? ['GRANT pg_monitor TO "plain";'] : []);
      const users = await howdah(login).call('connections', { group_by: 'user', limit: 500 });
      expect(users.rows[0]).toMatchObject({ user: 'postgres', database: null, application: null });
      const total = users.rows.reduce((sum, { connections }) => sum + Number(connections), 0);
      expect((users['connections'] as Row)['used']).toBe(total);
    });
  });

  it.each(loginsOf(cluster))('tells those that are free from those that are reserved, for %s', async (login) => {
    const answer = await howdah(login).call('connections');
    const { used, free, ...all } = answer['connections'] as Row;
    expect(all).toMatchObject({
      max: 100,
      reserved: 3,
      superuser_reserved_connections: 3,
      reserved_connections: cluster.major >= 16 ? 0 : null,
    });
    expect(Number(free)).toBe(97 - Number(used));
    expect(answer.findings).toEqual([]);
  });

  it('says in the same words as server_overview that they run out', async () => {
    const input = { max_connection_percent: 0 };
    const [here] = (await howdah('monitor').call('connections', input)).findings;
    const there = findingOn(await howdah('monitor').call('server_overview', input), '"max_connections"');
    const same = (finding: typeof here) => ({ ...finding, claim: finding?.claim.replace(/^[\d.]+/, ''), evidence: {} });
    expect(same(here)).toEqual(same(there));
  });

  it('says so where there are more limits than it shows', async () => {
    const url = clone().superuserUrl;
    const all = (statement: string) =>
      `do $$ begin for n in 1..60 loop execute format('${statement}', '${clone().name}_' || n); end loop; end $$`;
    await runAs(url, all('create role %I login connection limit 5'));
    try {
      const answer = await howdah('monitor').call('connections', { limit: 50, group_by: 'database' });
      expect(answer['limits']).toHaveLength(50);
      expect(answer.truncated).toBe(true);
    } finally {
      await runAs(url, all('drop role %I'));
    }
  });

  it('warns of limits of databases and roles that are near', async () => {
    const role = `limited_${mark}`;
    const { superuserUrl, name } = clone();
    await runAs(superuserUrl, `create role ${role} login connection limit 5 password '${role}'`);
    const url = Object.assign(new URL(superuserUrl), { username: role, password: role }).href;
    try {
      await withSessions([url, url, url], async () => {
        expect(findingOn(await howdah('monitor').call('connections'), `"${role}"`)).toBeUndefined();
        await withSession(url, async () => {
          await runAs(superuserUrl, `alter database "${name}" connection limit 3`); // nobody is thrown out
          const answer = await howdah('monitor').call('connections', { limit: 500 });
          const limit = { database: null, role, connections: 4, connection_limit: 5, percent: 80 };
          expect(answer['limits']).toContainEqual(limit);
          const finding = findingOn(answer, `"${role}"`);
          expect(finding).toMatchObject({ severity: 'warning', evidence: { connections: 4, connection_limit: 5 } });
          const rows = await runAs(superuserUrl, finding?.next_step ?? '');
          expect(rows).toEqual([expect.objectContaining({ datname: name, count: '4' })]);
          const there = findingOn(await howdah('monitor').call('list_databases', { limit: 500 }), `"${name}"`);
          expect(findingOn(answer, `"${name}"`)).toEqual(there);
          expect(there).toMatchObject({ severity: 'critical' });
        });
      });
    } finally {
      await runAs(superuserUrl, `alter database "${name}" connection limit -1`, `drop role ${role}`);
    }
  });

  it('reports who holds most of them, and that most are idle', async () => {
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    const urls = Array<string>(6).fill(calling(clone().superuserUrl, `pool ${mark}`));
    try {
      await withSessions(urls, async () => {
        const answer = await narrow.call('connections', { holder_percent: 5, many_idle: 6 });
        const [role, idle] = answer.findings;
        expect(role).toMatchObject({ severity: 'notice', object: '"postgres"' });
        expect(role?.claim).toMatch(/^The role "postgres" holds \d+ of 97 connections\.$/);
        expect(idle?.claim).toMatch(/^\d+ of \d+ connections are idle: /);
        expect(answer.findings).toHaveLength(2);
      });
    } finally {
      await narrow.close();
    }
  });

  it.runIf(cluster.major < 14)('says that nobody counted how sessions ended', async () => {
    const answer = await howdah('monitor').call('connections');
    expect(answer['session_outcomes']).toEqual([]);
    expect(answer.not_examined).toMatchObject([
      {
        what: 'how sessions ended and what they did with their time',
        reason: expect.stringContaining('PostgreSQL 14'),
      },
    ]);
  });

  it.runIf(cluster.major >= 14)('counts how sessions ended', async () => {
    const url = clone().superuserUrl;
    await withSessions([url, url, url], async ([one], pids) => {
      await one?.query('select pg_terminate_backend(pid) from unnest($1::integer[]) pid', [pids.slice(1)]);
    });
    const outcome = async () => {
      const answer = await howdah('monitor').call('connections', { abnormal_percent: 0, min_abnormal_sessions: 2 });
      const rows = answer['session_outcomes'] as readonly Row[];
      return { answer, row: rows.find(({ database }) => database === clone().name) };
    };
    await expect.poll(async () => (await outcome()).row?.['sessions_killed']).toBeGreaterThanOrEqual(2);
    const { answer, row } = await outcome();
    expect(Number(row?.['sessions'])).toBeGreaterThan(2);
    expect(Number(row?.['session_time'])).toBeGreaterThan(0);
    expect(row?.['abnormal_percent']).toBeCloseTo(
      (100 *
        (Number(row?.['sessions_killed']) + Number(row?.['sessions_fatal']) + Number(row?.['sessions_abandoned']))) /
        Number(row?.['sessions']),
      2,
    );
    expect(findingOn(answer, `"${clone().name}"`)).toMatchObject({
      evidence: { sessions_killed: row?.['sessions_killed'] },
    });
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await withSession(calling(other.superuserUrl, `secret ${mark}`), async () => {
        const answer = await narrow.call('connections', { limit: 500 });
        expect(JSON.stringify(answer)).not.toContain(other.name);
        expect(JSON.stringify(answer)).not.toContain(`secret ${mark}`);
        expect(answer.not_examined?.[0]?.what).toMatch(/^\d+ rows? of other databases, among who is connected/);
        expect(Number((answer['connections'] as Row)['used'])).toBeGreaterThan(
          answer.rows.reduce((sum, { connections }) => sum + Number(connections), 0),
        );
      });
    } finally {
      await narrow.close();
      await other.drop();
    }
  });
});

describeEachStandby('connections of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('are counted there, for %s', async (login) => {
    const url = calling(clone().standby?.superuserUrl ?? '', `reader ${mark}`);
    await withSessions([url, url], async () => {
      const answer = await standby(login).call('connections', { limit: 500 });
      const row = answer.rows.find(({ application }) => application === `reader ${mark}`);
      expect(row).toMatchObject({ database: clone().name, connections: 2, idle: login === 'plain' ? null : 2 });
    });
  });
});

describe.runIf(newestCluster().major >= 16)('a server whose connections have run out', () => {
  it('is seen by the connection that is there', { timeout: 60_000 }, async () => {
    await withSeparateServer({ max_connections: '14', reserved_connections: '2' }, async (_, url) => {
      const howdah = await openHowdah(url);
      const spacious = await howdah.call('connections');
      expect(spacious.findings).toEqual([]);
      const urls = Array<string>(8).fill(url.replace('postgres:///', 'postgres://localhost/'));
      await withSessions(urls, async () => {
        const answer = await howdah.call('connections');
        expect(answer['connections']).toMatchObject({
          max: 14,
          reserved: 5,
          superuser_reserved_connections: 3,
          reserved_connections: 2,
          used: 9,
          used_percent: 100,
          free: 0,
        });
        expect(answer.findings).toMatchObject([
          { severity: 'critical', object: '"max_connections"', claim: '100 % of the connections are taken.' },
          { severity: 'notice', claim: 'The role "postgres" holds 9 of 9 connections.' },
        ]);
      });
      await howdah.close();
    });
  });
});
