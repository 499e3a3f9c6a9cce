import { describe, expect, it } from 'vitest';
import { compile, param, sql } from '../../src/postgres/sql.ts';
import {
  givenOf,
  judgeReview,
  REVIEWED,
  reviewSettings,
  type StoredSetting,
} from '../../src/tools/configuration/review.ts';
import { renderAnswer } from '../../src/render/answer.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { objects } from './advice.ts';

const GB = 2 ** 30;
const rowOf = ({ rows }: Answer, setting: string): Row => rows.find((row) => row['setting'] === setting) ?? {};

const BUILT_IN = compile(sql`
  select name, boot_val as setting, unit, 'default' as source, context, false as is_set from pg_settings where name = any (${param('names')}::text[])`);

describeEachMajor('configuration_review', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  it('finds nothing wrong with what PostgreSQL is built with', async () => {
    const settings = await withSession(
      clone().plainUrl,
      async (session) => (await session.query<StoredSetting & Record<string, unknown>>(BUILT_IN.text, [REVIEWED])).rows,
    );
    expect(settings.length).toBeGreaterThan(50);
    const given = givenOf(settings, { major: cluster.major, standby: false, checkpoints: null, slots: 0 });
    expect(judgeReview(reviewSettings(settings, given), null)).toEqual([]);
  });

  it.each(loginsOf(cluster))('says of each setting what the file has, for %s', async (login) => {
    const answer = await howdah(login).call('configuration_review', { limit: 500 });
    expect(answer).toMatchObject({ total: answer.rows.length, truncated: false });
    for (const { setting, value } of answer.rows) {
      if (String(setting).endsWith('timeout')) continue; // which Howdah sets for itself
      const [row] = await runAs(clone().superuserUrl, `select current_setting('${String(setting)}') as value`);
      expect([setting, value]).toEqual([setting, row?.['value']]);
    }
    expect(rowOf(answer, 'statement_timeout')).toMatchObject({ value: '0', verdict: 'ok', reason: null, docs: null });
    expect(rowOf(answer, 'log_lock_waits')).toMatchObject({ value: 'off', verdict: 'improve', suggested: 'on' });
    expect(rowOf(answer, 'autovacuum_worker_slots')).toEqual({});
    expect(rowOf(answer, 'transaction_timeout')['value']).toBe(cluster.major >= 17 ? '0' : undefined);
    expect(rowOf(answer, 'shared_preload_libraries')['verdict']).toBe(login === 'plain' ? undefined : 'ok');
  });

  it.each(loginsOf(cluster))(
    'reports what settings and server_overview report, in the same words, for %s',
    async (login) => {
      const review = await howdah(login).call('configuration_review');
      const { findings } = await howdah(login).call('settings', { name: 'port' });
      expect(review.findings).toEqual(findings);
      expect(objects(review)).toEqual(['critical "fsync"', 'critical "full_page_writes"', 'warning "autovacuum"']);
      for (const name of ['fsync', 'full_page_writes', 'autovacuum'])
        expect(rowOf(review, name)).toMatchObject({ verdict: 'risk', suggested: 'on' });
    },
  );

  it('asks for memory, processors, storage and workload, and for nothing once it has them', async () => {
    const asked = await howdah('monitor').call('configuration_review');
    expect(asked.not_examined?.map(({ remedy }) => remedy)).toEqual([
      'Ask again with memory, in bytes.',
      'Ask again with cpus.',
      'Ask again with storage.',
      'Ask again with workload.',
    ]);
    expect(rowOf(await howdah('monitor').call('configuration_review', { limit: 500 }), 'work_mem')).toMatchObject({
      verdict: 'unknown',
      suggested: null,
    });
    const told = await howdah('monitor').call('configuration_review', {
      memory: 64 * GB,
      cpus: 16,
      storage: 'ssd',
      workload: 'oltp',
      limit: 500,
    });
    expect(told).not.toHaveProperty('not_examined');
    expect(rowOf(told, 'shared_buffers')).toMatchObject({ verdict: 'risk', value: '16MB', suggested: '16GB' });
    expect(rowOf(told, 'random_page_cost')).toMatchObject({ verdict: 'improve', suggested: '1.1' });
    expect(rowOf(told, 'work_mem')).toMatchObject({ verdict: 'improve', suggested: '64MB' });
    expect(objects(told).slice(3)).toEqual(['notice "shared_buffers"']);
    expect(told['memory']).toEqual({
      shared_buffers: 16 * 2 ** 20,
      sessions: 400 * 2 ** 20,
      autovacuum: 192 * 2 ** 20,
      percent: 0.9,
    });
    expect(told.rows.some(({ verdict }) => verdict === 'unknown')).toBe(false);
  });

  it('keeps its default answer short', async () => {
    const outcome = await howdah('plain').attempt('configuration_review');
    expect(outcome.ok && renderAnswer(outcome.operation, outcome.output, { maxRows: 20 }).length).toBeLessThan(8192);
  });

  it('judges the values of a database, and not those of its own login', async () => {
    await runAs(
      clone().superuserUrl,
      `alter database ${clone().name} set random_page_cost = 0.5`,
      `alter database ${clone().name} set seq_page_cost = 1`,
      `alter role plain in database ${clone().name} set work_mem = '1GB'`,
    );
    const fresh = await openHowdah(clone().plainUrl);
    try {
      const answer = await fresh.call('configuration_review', { memory: GB, limit: 500 });
      expect(answer.findings).toContainEqual(
        expect.objectContaining({
          object: '"random_page_cost"',
          next_step: expect.stringContaining('ALTER DATABASE … SET random_page_cost = 1'),
        }),
      );
      expect(rowOf(answer, 'work_mem')).toEqual({});
      expect(answer.not_examined?.[0]).toMatchObject({ what: 'work_mem' });
    } finally {
      await fresh.close();
      await runAs(
        clone().superuserUrl,
        `alter database ${clone().name} reset all`,
        `alter role plain in database ${clone().name} reset all`,
      );
    }
  });
});

describeEachStandby('configuration_review of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('answers as on a primary, for %s', async (login) => {
    const answer = await standby(login).call('configuration_review', { limit: 500 });
    expect(rowOf(answer, 'hot_standby')).toMatchObject({ value: 'on', verdict: 'ok' });
    expect(answer.rows.length).toBeGreaterThan(50);
  });
});

/** Chapters of the documentation, as pg_settings of the newest PostgreSQL calls them, and their pages. */
const PAGES: Readonly<Record<string, string>> = {
  'Client Connection Defaults': 'client',
  'Connections and Authentication': 'connection',
  'Error Handling': 'error-handling',
  'Lock Management': 'locks',
  'Query Tuning': 'query',
  Replication: 'replication',
  'Reporting and Logging': 'logging',
  'Resource Usage': 'resource',
  Statistics: 'statistics',
  Vacuuming: 'vacuum',
  'Write-Ahead Log': 'wal',
};

it.runIf(newestCluster().major >= 18)('links each setting to where the documentation has it', async () => {
  const rows = await runAs(newestCluster().superuserUrl, 'select name, category from pg_settings');
  const pages = new Map(rows.map(({ name, category }) => [name, PAGES[String(category).split(' / ')[0] ?? '']]));
  const settings = REVIEWED.map((name) => ({
    name,
    setting: '0',
    unit: null,
    source: null,
    context: 'sighup',
    is_set: true,
  }));
  const given = givenOf(settings, { major: 18, standby: true, checkpoints: null, slots: 0 });
  const linked = reviewSettings(settings, given).map(({ setting, docs }) => [
    setting,
    /runtime-config-([\w-]+)\.html/.exec(docs)?.[1],
  ]);
  expect(linked.length).toBeGreaterThan(50);
  expect(linked).toEqual(linked.map(([setting]) => [setting, pages.get(setting)]));
});

describe('configuration_review of other configurations', () => {
  const SMALL = {
    fsync: 'on',
    full_page_writes: 'on',
    autovacuum: 'on',
    jit: 'on',
    shared_buffers: '128MB',
    wal_level: 'replica',
    max_prepared_transactions: '0',
    track_io_timing: 'off',
    shared_preload_libraries: '',
  };

  it('finds nothing on a small server with what it came with', async () => {
    await withSeparateServer(SMALL, async (_, url) => {
      const howdah = await openHowdah(url);
      expect(await howdah.call('configuration_review')).toMatchObject({ findings: [] });
      await howdah.close();
    });
  });

  it('finds what is wrong, and what would mend it', async () => {
    const settings = {
      ...SMALL,
      superuser_reserved_connections: '0',
      wal_level: 'minimal',
      max_wal_senders: '0',
      checkpoint_timeout: '30s',
      work_mem: '1GB',
      autovacuum_vacuum_scale_factor: '0.9',
      archive_command: 'cp %p /backup?password=hunter2secret',
      max_slot_wal_keep_size: '-1',
    };
    await withSeparateServer(settings, async (_, url) => {
      const howdah = await openHowdah(url);
      const answer = await howdah.call('configuration_review', { memory: 8 * GB, limit: 500 });
      expect(objects(answer)).toEqual([
        'warning "work_mem"',
        'notice "shared_buffers"',
        'notice "superuser_reserved_connections"',
        'notice "wal_level"',
        'notice "checkpoint_timeout"',
        'notice "autovacuum_vacuum_scale_factor"',
      ]);
      expect(rowOf(answer, 'max_wal_senders')).toMatchObject({ verdict: 'improve', suggested: '10' });
      expect(JSON.stringify(answer)).not.toContain('hunter2secret');
      await howdah.close();
    });
  });
});
