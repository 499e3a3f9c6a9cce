import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { runSql } from '../postgres/instance.ts';
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
import { useClusterAlone } from '../postgres/sessions.ts';

const LSN = /^[0-9A-F]+\/[0-9A-F]+$/;

function listOf(answer: Answer, part: string): readonly Row[] {
  return answer[part] as readonly Row[];
}

function findingOn({ findings }: Answer, object: string) {
  return findings.find((finding) => finding.object === object);
}

describeEachMajor('server_overview', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('knows the server and its role, for %s', async (login) => {
    const answer = await howdah(login).call('server_overview');
    expect(answer['instance']).toMatchObject({
      version: expect.stringMatching(new RegExp(`^${cluster.major}\\.`)),
      major: cluster.major,
      supported_until: expect.stringMatching(/^20\d\d-11-\d\d$/),
      standby: false,
      wal_lsn: expect.stringMatching(LSN),
      replay_lsn: null,
      replay_lag_s: null,
      receiving: null,
    });
    const { at, started_at, uptime_s } = answer['instance'] as Row;
    expect(Date.parse(String(at)) - Date.parse(String(started_at))).toBeCloseTo(Number(uptime_s) * 1000, -2);
    const user = { superuser: 'postgres', monitor: 'monitor', plain: 'plain' }[login];
    expect(answer['login']).toMatchObject({ user, superuser: login === 'superuser' });
    expect(findingOn(answer, `"${user}"`) === undefined).toBe(login !== 'superuser');
  });

  it.each(loginsOf(cluster))('warns of settings that endanger data, for %s', async (login) => {
    const answer = await howdah(login).call('server_overview');
    expect(listOf(answer, 'settings').map(({ name, value }) => [name, value])).toEqual([
      ['autovacuum', 'off'],
      ['fsync', 'off'],
      ['full_page_writes', 'off'],
    ]);
    expect(findingOn(answer, '"fsync"')).toMatchObject({
      severity: 'critical',
      // where the command line has precedence ALTER SYSTEM would change nothing
      next_step: expect.stringMatching(/^SELECT name, setting, source.*\n-- set where the server is started/),
    });
    expect(findingOn(answer, '"autovacuum"')).toMatchObject({ severity: 'warning' });
    expect(answer.findings[0]?.severity).toBe('critical');
  });

  it.each(loginsOf(cluster))('measures databases, first the one that was asked, for %s', async (login) => {
    const answer = await howdah(login).call('server_overview', { limit: 500 });
    const [size] = await runAs(clone().superuserUrl, 'select pg_database_size(current_database())::float8 as size');
    const [first] = listOf(answer, 'databases');
    expect(first).toMatchObject({
      database: clone().name,
      owner: 'postgres',
      encoding: 'UTF8',
      allows_connections: true,
      connection_limit: null,
    });
    expect(Math.abs(Number(first?.['size']) - Number(size?.['size']))).toBeLessThan(200_000);
    expect(Number(first?.['xid_age'])).toBeGreaterThan(0);
    expect(first?.['xid_freeze_percent']).toBeCloseTo(Number(first?.['xid_age']) / 2_000_000, 1);
    expect(first?.['hit_percent']).toBeGreaterThan(0);
    expect(first?.['hit_percent']).toBeLessThanOrEqual(100);
    expect(listOf(answer, 'databases').map(({ database }) => database)).toEqual(
      expect.arrayContaining(['postgres', 'template0']),
    );
    expect((answer['totals'] as Row)['databases']).toBe(listOf(answer, 'databases').length);
  });

  it('counts connections, and for a plain role only how many there are', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      const seen = await howdah('monitor').call('server_overview', { long_transaction_s: 0 });
      expect(seen['connections']).toMatchObject({
        max: 100,
        reserved: 3,
        active: expect.any(Number),
        idle: expect.any(Number),
      });
      const { used, used_percent, idle_in_transaction } = seen['connections'] as Row;
      expect(Number(idle_in_transaction)).toBeGreaterThanOrEqual(1);
      expect(used_percent).toBeCloseTo((Number(used) * 100) / 97, 1);
      expect(seen['oldest_transaction']).toMatchObject({ pid: expect.any(Number), transaction_s: expect.any(Number) });
      expect(seen).not.toHaveProperty('not_examined');
      const hidden = await howdah('plain').call('server_overview');
      expect(hidden['connections']).toMatchObject({ max: 100, active: null, idle: null, idle_in_transaction: null });
      expect(Number((hidden['connections'] as Row)['used'])).toBeGreaterThanOrEqual(2);
      expect((hidden.not_examined ?? []).map(({ what }) => what)).toEqual([
        'the size of pg_wal and what waits to be archived',
        'states of connections, the oldest transaction and lags of standbys',
      ]);
      expect(hidden['wal']).toBeNull();
      expect(Number((seen['wal'] as Row)['size'])).toBeGreaterThan(0);
    });
  });

  it('measures no database that a plain role may not enter, and says so', async () => {
    const closed = await cloneDatabase({ ...cluster }, `closed_${randomBytes(4).toString('hex')}`, 'fixture_ext');
    try {
      await runSql(cluster, 'postgres', `revoke connect on database ${closed.name} from public`);
      const sizeFor = async (login: 'monitor' | 'plain') => {
        const answer = await howdah(login).call('server_overview', { limit: 500 });
        const row = listOf(answer, 'databases').find(({ database }) => database === closed.name);
        return [row?.['size'] === null, (answer.not_examined ?? []).some(({ what }) => what.includes(closed.name))];
      };
      expect(await sizeFor('monitor')).toEqual([false, false]);
      expect(await sizeFor('plain')).toEqual([true, true]);
    } finally {
      await closed.drop();
    }
  });

  it('loses one line, not the answer, to a view that it may not read', async () => {
    await runAs(
      clone().superuserUrl,
      'revoke select on pg_catalog.pg_stat_archiver, pg_catalog.pg_prepared_xacts from public',
    );
    const answer = await howdah('monitor').call('server_overview');
    expect(answer).toMatchObject({ archiver: null, prepared_transactions: [], instance: { major: cluster.major } });
    expect(answer.not_examined).toEqual([
      expect.objectContaining({
        what: 'WAL archiving',
        reason: expect.stringContaining('permission denied for view pg_stat_archiver'),
      }),
      expect.objectContaining({ what: 'prepared transactions' }),
    ]);
    await runAs(
      clone().superuserUrl,
      'grant select on pg_catalog.pg_stat_archiver, pg_catalog.pg_prepared_xacts to public',
    );
  });

  it('reports prepared transactions and replication slots that nobody looks after', async () => {
    const slot = `idle_${randomBytes(4).toString('hex')}`;
    const gid = `it's \\ ${slot}`;
    const quoted = gid.replaceAll("'", "''");
    await runAs(
      clone().superuserUrl,
      `select pg_create_physical_replication_slot('${slot}', true)`,
      'begin',
      'create table public.prepared (a integer)',
      `prepare transaction '${quoted}'`,
    );
    try {
      const answer = await howdah('plain').call('server_overview', { long_transaction_s: 0, max_slot_size: 1 });
      expect(listOf(answer, 'prepared_transactions')).toContainEqual(
        expect.objectContaining({ gid, database: clone().name, owner: 'postgres' }),
      );
      const [step] = (findingOn(answer, gid)?.next_step ?? '').split('\n');
      expect(findingOn(answer, slot)).toMatchObject({ severity: 'warning', evidence: { active: false } });
      expect(findingOn(answer, slot)?.next_step).toContain(`pg_drop_replication_slot('${slot}')`);
      const calm = await howdah('plain').call('server_overview');
      expect(findingOn(calm, gid)).toBeUndefined();
      expect(findingOn(calm, slot)?.severity).not.toBe('warning');
      expect(await runAs(clone().superuserUrl, String(step))).toContainEqual(expect.objectContaining({ gid }));
    } finally {
      await runAs(clone().superuserUrl, `rollback prepared '${quoted}'`).catch(() => []);
      await runAs(clone().superuserUrl, `select pg_drop_replication_slot('${slot}')`);
    }
  });

  it('shows nothing of databases that the persona does not open', async () => {
    const other = await cloneDatabase({ ...cluster }, `closed_${randomBytes(4).toString('hex')}`, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().plainUrl, clone().name);
    const gid = `gid ${other.name}`;
    await runAs(other.superuserUrl, 'begin', 'create table public.prepared (a int)', `prepare transaction '${gid}'`);
    try {
      await withSession(other.superuserUrl, async () => {
        const input = { limit: 500, long_transaction_s: 0, max_wraparound_percent: 0 };
        expect(JSON.stringify(await howdah('plain').call('server_overview', input))).toContain(gid);
        const answer = await narrow.call('server_overview', input);
        expect(JSON.stringify(answer)).not.toContain(other.name);
        expect(listOf(answer, 'databases').map(({ database }) => database)).toEqual([clone().name]);
        expect(listOf(answer, 'connected_as').every(({ database }) => database === clone().name)).toBe(true);
        expect(answer.not_examined?.[0]).toEqual({
          what: expect.stringMatching(
            /^\d+ rows of other databases, among connections by database and role, .*databases, .*prepared transactions$/,
          ),
          reason: 'The persona "narrow" does not open them.',
        });
      });
    } finally {
      await runAs(other.superuserUrl, `rollback prepared '${gid}'`);
      await narrow.close();
      await other.drop();
    }
  });

  it('says that a slot keeps nothing before it reserves WAL', async () => {
    const slot = `fresh_${randomBytes(4).toString('hex')}`;
    await runAs(clone().superuserUrl, `select pg_create_physical_replication_slot('${slot}')`);
    try {
      const answer = await howdah('plain').call('server_overview');
      expect(listOf(answer, 'slots')).toContainEqual(expect.objectContaining({ slot, retained_size: null }));
      expect(findingOn(answer, slot)).toBeUndefined();
    } finally {
      await runAs(clone().superuserUrl, `select pg_drop_replication_slot('${slot}')`);
    }
  });

  it('shows no secret in the name of a prepared transaction', async () => {
    const secret = randomBytes(8).toString('hex');
    await runAs(
      clone().superuserUrl,
      'begin',
      'create table public.named (a int)',
      `prepare transaction 'password=${secret}'`,
    );
    try {
      const answer = await howdah('plain').call('server_overview', { long_transaction_s: 0 });
      expect(listOf(answer, 'prepared_transactions').map(({ gid }) => gid)).toContain('password=[redacted]');
      expect(JSON.stringify(answer)).not.toContain(secret);
    } finally {
      await runAs(clone().superuserUrl, `rollback prepared 'password=${secret}'`);
    }
  });

  it('lists extensions, and those that are behind', async () => {
    const answer = await howdah('plain').call('server_overview');
    expect(
      listOf(answer, 'extensions').map(({ extension, schema }) => `${String(schema)}.${String(extension)}`),
    ).toEqual(['public.pg_stat_statements', 'pg_catalog.plpgsql']);
    expect(findingOn(answer, '"public"."pg_stat_statements"')).toBeUndefined();
    await runAs(
      clone().superuserUrl,
      'drop extension pg_stat_statements',
      `create extension pg_stat_statements version '1.4'`,
    );
    const behind = await howdah('plain').call('server_overview');
    expect(findingOn(behind, '"public"."pg_stat_statements"')).toMatchObject({
      next_step: 'ALTER EXTENSION "pg_stat_statements" UPDATE;',
    });
  });

  it.each([
    ['get_server_info', {}],
    ['get_current_database_info', { database_name: 'postgres' }],
  ])('answers to %s', async (alias, input) => {
    expect(await howdah('monitor').call(alias, input)).toMatchObject({ instance: { major: cluster.major } });
  });
});

describeEachStandby('server_overview of replication', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());
  const primary = useHowdah(clone);

  it.each(LOGINS)('knows that it is a standby, how far behind in bytes and seconds, for %s', async (login) => {
    const answer = await standby(login).call('server_overview');
    expect(answer['instance']).toMatchObject({
      standby: true,
      receiving: true,
      replay_paused: false,
      wal_lsn: expect.stringMatching(LSN),
      replay_lsn: expect.stringMatching(LSN),
      replay_lag_size: expect.any(Number),
    });
    expect(Number((answer['instance'] as Row)['replay_lag_s'])).toBeLessThan(10);
  });

  it('says 0 s on an idle standby, however long ago the last transaction was', async () => {
    await runSql(cluster, 'postgres', 'select pg_switch_wal()');
    for (let attempt = 0; ; attempt++, await sleep(50)) {
      const { instance } = (await standby('monitor').call('server_overview')) as unknown as { instance: Row };
      if (instance['replay_lag_s'] === 0 && instance['replay_lag_size'] === 0) break;
      expect(attempt).toBeLessThan(100);
    }
  });

  it('warns when replay is paused', async () => {
    await runSql(cluster.standby, 'postgres', 'select pg_wal_replay_pause()');
    try {
      const answer = await standby('plain').call('server_overview');
      expect(answer['instance']).toMatchObject({ replay_paused: true });
      expect(answer.findings).toContainEqual(
        expect.objectContaining({ severity: 'warning', claim: 'Replay is paused on this standby.' }),
      );
    } finally {
      await runSql(cluster.standby, 'postgres', 'select pg_wal_replay_resume()');
    }
  });

  it('shows the standby and its slot on the primary', async () => {
    const answer = await primary('monitor').call('server_overview');
    expect(listOf(answer, 'receivers')).toEqual([
      expect.objectContaining({
        application: 'standby',
        state: 'streaming',
        sync_state: 'async',
        lag_size: expect.any(Number),
      }),
    ]);
    expect(listOf(answer, 'slots')).toContainEqual(
      expect.objectContaining({ slot: 'standby', type: 'physical', active: true }),
    );
    const hidden = await primary('plain').call('server_overview');
    expect(listOf(hidden, 'receivers')).toEqual([
      expect.objectContaining({ application: 'standby', state: null, lag_size: null }),
    ]);
  });
});

describe('server_overview on a bad day', () => {
  it('reports that WAL is to be archived and nothing does it', async () => {
    await withSeparateServer({ archive_mode: 'on', archive_command: '' }, async (server, url) => {
      const howdah = await openHowdah(url);
      await runSql(server, 'postgres', 'select pg_switch_wal()');
      const answer = await howdah.call('server_overview');
      expect(answer['archiver']).toMatchObject({ mode: 'on', by: null, expected: true, failing: false });
      expect(findingOn(answer, '"archive_command"')).toMatchObject({ severity: 'warning' });
      await howdah.close();
    });
  });

  it('reports an archiver that fails, connections that run out and a pending restart', async () => {
    const settings = {
      archive_mode: 'on',
      archive_command: 'exit 1',
      max_connections: '10',
      superuser_reserved_connections: '2',
    };
    await withSeparateServer(settings, async (server, url) => {
      await runSql(server, 'postgres', 'create table public.t (a integer)');
      await runSql(server, 'postgres', 'select pg_switch_wal()');
      await runSql(server, 'postgres', `alter system set max_connections = 20`);
      const howdah = await openHowdah(url);
      const fill = async (left: number): Promise<void> => {
        if (left > 0) return withSession(url.replace('postgres:///', 'postgres://localhost/'), () => fill(left - 1));
        for (let attempt = 0; ; attempt++, await sleep(100)) {
          const answer = await howdah.call('server_overview');
          const archiver = findingOn(answer, '"archive_command"');
          if (archiver === undefined && attempt < 100) continue;
          expect(archiver).toMatchObject({
            severity: 'critical',
            evidence: { last_failed_wal: expect.any(String), last_archived_at: null },
          });
          expect(findingOn(answer, '"max_connections"')).toMatchObject({
            severity: 'critical',
            evidence: { max: 10, reserved: 2 },
          });
          return;
        }
      };
      await fill(7);
      await howdah.close();
    });
  });
});
