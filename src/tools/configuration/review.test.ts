import { describe, expect, it } from 'vitest';
import { askOperator, givenOf, hiddenByLogin, judgeReview, reviewSettings, type StoredSetting } from './review.ts';
import type { Given } from './review-rule.ts';
import { amountOf, formatBytes } from './setting-value.ts';

/** As pg_settings has them, in these units; a file sets them. */
const UNITS: Readonly<Record<string, string>> = {
  shared_buffers: '8kB',
  effective_cache_size: '8kB',
  wal_buffers: '8kB',
  work_mem: 'kB',
  maintenance_work_mem: 'kB',
  autovacuum_work_mem: 'kB',
  temp_file_limit: 'kB',
  vacuum_buffer_usage_limit: 'kB',
  max_wal_size: 'MB',
  max_slot_wal_keep_size: 'MB',
  checkpoint_timeout: 's',
  autovacuum_naptime: 's',
  autovacuum_vacuum_cost_delay: 'ms',
  deadlock_timeout: 'ms',
  statement_timeout: 'ms',
  idle_in_transaction_session_timeout: 'ms',
  max_standby_streaming_delay: 'ms',
  log_min_duration_statement: 'ms',
};

function stored(values: Readonly<Record<string, string>>, more: Partial<StoredSetting> = {}): StoredSetting[] {
  return Object.entries(values).map(([name, setting]) => ({
    name,
    setting,
    unit: UNITS[name] ?? null,
    source: 'configuration file',
    context: 'sighup',
    is_set: true,
    ...more,
  }));
}

const server = { major: 18, standby: false, checkpoints: null, slots: 0 };

function review(values: Readonly<Record<string, string>>, about: Partial<Given> = {}) {
  const settings = stored(values);
  return reviewSettings(settings, givenOf(settings, { ...server, ...about }));
}

/** What is said of the first setting that is given. */
function opinion(values: Readonly<Record<string, string>>, about: Partial<Given> = {}): string {
  const [name] = Object.keys(values);
  const row = review(values, about).find(({ setting }) => setting === name);
  return [row?.severity ?? row?.verdict, row?.suggested].filter((each) => each !== undefined).join(' ');
}

const GB = 2 ** 30;
const kB = (bytes: number) => String(bytes / 1024);
const pages = (bytes: number) => String(bytes / 8192);

describe('settings that depend on memory', () => {
  it.each<[number, number | undefined, string]>([
    [GB / 8, undefined, 'unknown'],
    [13 * GB, 16 * GB, 'warning 4GB'],
    [8 * GB, 16 * GB, 'improve 4GB'],
    [4 * GB, 16 * GB, 'ok'],
    [2 * GB, 16 * GB, 'improve 4GB'],
    [GB / 8, 16 * GB, 'notice 4GB'],
    [GB / 8, GB, 'improve 256MB'],
    [GB / 8, GB / 2, 'ok'],
    [GB / 64, 3 * GB, 'improve 768MB'], // of a small machine it is no risk
  ])('shared_buffers of %i in %i', (size, memory, expected) => {
    expect(opinion({ shared_buffers: pages(size) }, { memory })).toBe(expected);
  });

  it.each([
    [{ work_mem: kB(GB / 256), max_connections: '100' }, 16 * GB, 'improve 47MB'],
    [{ work_mem: kB(GB / 64), max_connections: '100' }, 16 * GB, 'ok'],
    [{ work_mem: kB(GB / 4), max_connections: '100' }, 16 * GB, 'warning 47MB'],
    [{ work_mem: kB(GB / 4), max_connections: '20' }, 16 * GB, 'ok'],
    [{ work_mem: kB(GB / 256), max_connections: '100' }, (3 * GB) / 8, 'warning 1MB'],
    [{ work_mem: kB(GB / 256), max_connections: '100' }, GB / 2, 'ok'],
  ])('%j in %i', (values, memory, expected) => {
    expect(opinion({ ...values, shared_buffers: pages(memory / 8) }, { memory })).toBe(expected);
  });

  it('gives analysts more, and nobody anything without knowing the memory', () => {
    const values = { work_mem: kB(GB / 256), max_connections: '20', shared_buffers: pages(16 * GB) };
    expect(opinion(values, { memory: 64 * GB, workload: 'olap' })).toBe('improve 816MB');
    expect(opinion(values, { memory: 64 * GB, workload: 'oltp' })).toBe('improve 64MB');
    expect(opinion(values)).toBe('unknown');
  });

  it.each([
    [4 * GB, 2 * GB, undefined, 'unknown'],
    [2 * GB, 4 * GB, undefined, 'notice'],
    [2 * GB, 4 * GB, 16 * GB, 'notice 12GB'],
    [4 * GB, GB, 16 * GB, 'improve 12GB'],
    [10 * GB, GB, 16 * GB, 'ok'],
    [20 * GB, GB, 16 * GB, 'improve 12GB'],
  ])('effective_cache_size of %i beside shared_buffers of %i in %i', (size, shared, memory, expected) => {
    expect(opinion({ effective_cache_size: pages(size), shared_buffers: pages(shared) }, { memory })).toBe(expected);
  });

  it.each([
    ['-1', GB / 16, 'ok'],
    ['-1', 2 * GB, 'improve 336MB'],
    [kB(4 * GB), GB / 16, 'notice 336MB'],
  ])('autovacuum_work_mem of %s beside maintenance_work_mem of %i', (own, maintenance, expected) => {
    const values = { autovacuum_work_mem: own, maintenance_work_mem: kB(maintenance), autovacuum_max_workers: '3' };
    expect(opinion(values, { memory: 16 * GB })).toBe(expected);
  });
});

it.each<[Record<string, string>, Partial<Given>, string]>([
  [{ fsync: 'off' }, {}, 'risk on'], // which other tools report
  [{ superuser_reserved_connections: '0' }, {}, 'notice 3'],
  [{ max_connections: '100' }, {}, 'ok'],
  [{ max_connections: '501' }, {}, 'improve'],
  [{ max_connections: '300' }, { cpus: 4 }, 'improve'],
  [{ max_connections: '300' }, { cpus: 64 }, 'ok'],
  [{ huge_pages: 'off', shared_buffers: pages(GB) }, {}, 'ok'],
  [{ huge_pages: 'off', shared_buffers: pages(8 * GB) }, {}, 'improve try'],
  [{ huge_pages: 'try', huge_pages_status: 'off', shared_buffers: pages(8 * GB) }, {}, 'improve'],
  [{ huge_pages: 'try', huge_pages_status: 'on', shared_buffers: pages(8 * GB) }, {}, 'ok'],
  [{ wal_level: 'minimal' }, {}, 'notice replica'],
  [{ wal_level: 'replica' }, {}, 'ok'],
  [{ max_wal_size: '1024' }, {}, 'ok'],
  [{ max_wal_size: '64' }, {}, 'improve 1GB'],
  [{ max_wal_size: '1024' }, { checkpoints: { timed: 9, requested: 11 } }, 'improve 2GB'],
  [{ max_wal_size: '1024' }, { checkpoints: { timed: 8, requested: 11 } }, 'ok'],
  [{ max_wal_size: '1024' }, { checkpoints: { timed: 90, requested: 11 } }, 'ok'],
  [{ max_wal_size: '1024' }, { memory: 64 * GB, workload: 'olap' }, 'improve 16GB'],
  [{ checkpoint_timeout: '300' }, {}, 'ok'],
  [{ checkpoint_timeout: '59' }, {}, 'notice 5min'],
  [{ checkpoint_timeout: '3601' }, {}, 'improve 30min'],
  [{ wal_buffers: '8', shared_buffers: pages(GB) }, {}, 'improve -1'],
  [{ wal_buffers: '-1', shared_buffers: pages(GB) }, {}, 'ok'],
  [{ max_slot_wal_keep_size: '-1' }, {}, 'ok'],
  [{ max_slot_wal_keep_size: '-1' }, { slots: 1 }, 'improve'],
  [{ max_standby_streaming_delay: '-1' }, {}, 'ok'],
  [{ max_standby_streaming_delay: '-1' }, { standby: true }, 'improve'],
  [{ hot_standby: 'off' }, { standby: true }, 'improve on'],
  [{ autovacuum_naptime: '60' }, {}, 'ok'],
  [{ autovacuum_naptime: '600' }, {}, 'improve 1min'],
  [{ autovacuum_naptime: '3600' }, {}, 'warning 1min'],
  [{ autovacuum_max_workers: '10', autovacuum_worker_slots: '5' }, {}, 'notice 5'],
  [{ autovacuum_max_workers: '10', autovacuum_worker_slots: '16' }, {}, 'ok'],
  [{ autovacuum_max_workers: '10' }, {}, 'ok'], // before 18 there are no slots
  [{ autovacuum_vacuum_scale_factor: '0.2' }, {}, 'ok'],
  [{ autovacuum_vacuum_scale_factor: '0.5' }, {}, 'notice 0.2'],
  [{ autovacuum_vacuum_threshold: '1000000' }, {}, 'notice 50'],
  [{ autovacuum_vacuum_insert_threshold: '-1' }, {}, 'improve 1000'],
  [{ autovacuum_vacuum_cost_delay: '2' }, {}, 'ok'],
  [{ autovacuum_vacuum_cost_delay: '20' }, {}, 'improve 2ms'],
  [{ autovacuum_vacuum_cost_delay: '100' }, {}, 'notice 2ms'],
  [{ autovacuum_vacuum_cost_delay: '-1', vacuum_cost_delay: '100' }, {}, 'notice 2ms'],
  [{ autovacuum_vacuum_cost_limit: '-1', vacuum_cost_limit: '200' }, {}, 'ok'],
  [{ autovacuum_vacuum_cost_limit: '99' }, {}, 'improve 200'],
  [{ autovacuum_freeze_max_age: '200000000' }, {}, 'ok'],
  [{ autovacuum_freeze_max_age: '1500000000' }, {}, 'warning 1000000000'],
  [{ random_page_cost: '0.9', seq_page_cost: '1' }, {}, 'notice 1'],
  [{ random_page_cost: '4', seq_page_cost: '1' }, {}, 'unknown'],
  [{ random_page_cost: '4', seq_page_cost: '1' }, { storage: 'ssd' }, 'improve 1.1'],
  [{ random_page_cost: '4', seq_page_cost: '1' }, { storage: 'hdd' }, 'ok'],
  [{ random_page_cost: '1.1', seq_page_cost: '1' }, { storage: 'hdd' }, 'improve 4'],
  [{ effective_io_concurrency: '1' }, { storage: 'ssd', major: 17 }, 'improve 200'],
  [{ effective_io_concurrency: '16' }, { storage: 'ssd' }, 'ok'],
  [{ jit: 'on' }, {}, 'unknown'],
  [{ jit: 'on' }, { workload: 'oltp' }, 'improve off'],
  [{ jit: 'on' }, { workload: 'olap' }, 'ok'],
  [{ max_parallel_workers: '16', max_worker_processes: '8' }, {}, 'improve 8'],
  [{ max_parallel_workers_per_gather: '2', max_parallel_workers: '8' }, { workload: 'olap', cpus: 16 }, 'improve 8'],
  [{ max_parallel_workers_per_gather: '2', max_parallel_workers: '8' }, { workload: 'oltp' }, 'ok'],
  [{ max_worker_processes: '8' }, { cpus: 16 }, 'improve 16'],
  [{ max_worker_processes: '8' }, { cpus: 8 }, 'ok'],
  [{ log_min_messages: 'panic' }, {}, 'notice warning'],
  [{ log_min_messages: 'warning' }, {}, 'ok'],
  [{ log_min_duration_statement: '0' }, {}, 'improve 1s'],
  [{ log_min_duration_statement: '500' }, {}, 'ok'],
  [{ statement_timeout: '0' }, {}, 'ok'],
  [{ statement_timeout: '30000' }, {}, 'improve 0'],
  [{ idle_in_transaction_session_timeout: '0' }, {}, 'improve 10min'],
  [{ deadlock_timeout: '1000' }, {}, 'ok'],
  [{ deadlock_timeout: '10' }, {}, 'improve 1s'],
  [{ data_sync_retry: 'on' }, {}, 'warning off'],
  [{ ssl: 'off', listen_addresses: 'localhost, 127.0.0.1,::1' }, {}, 'ok'],
  [{ ssl: 'off', listen_addresses: '*' }, {}, 'improve on'],
  [{ ssl: 'off', listen_addresses: '' }, {}, 'ok'],
  [{ shared_preload_libraries: 'auto_explain, pg_stat_statements' }, {}, 'ok'],
  [{ shared_preload_libraries: '' }, {}, 'improve'],
])('%j where %j: %s', (values, about, expected) => {
  expect(opinion(values, about)).toBe(expected);
});

describe('defaults of old', () => {
  it.each<[Record<string, string>, number, boolean, string]>([
    [{ checkpoint_completion_target: '0.5' }, 14, true, 'improve 0.9'],
    [{ hash_mem_multiplier: '1' }, 15, true, 'improve 2'],
    [{ hash_mem_multiplier: '1' }, 14, true, 'ok'],
    [{ hash_mem_multiplier: '1' }, 15, false, 'ok'],
    [{ vacuum_buffer_usage_limit: '256' }, 17, true, 'improve 2MB'],
    [{ effective_io_concurrency: '1' }, 18, true, 'improve 16'],
  ])('%j on %i, set: %s', (values, major, is_set, expected) => {
    const settings = stored(values, { is_set });
    const [row] = reviewSettings(settings, givenOf(settings, { ...server, major, storage: 'hdd' }));
    expect([row?.verdict, row?.suggested].filter((each) => each !== undefined).join(' ')).toBe(expected);
  });

  it('say since when they are others', () => {
    expect(review({ hash_mem_multiplier: '1' })[0]?.reason).toMatch(/^It was the default before PostgreSQL 15/);
  });
});

/** What is advised about one setting that is wrong. */
function step(more: Partial<StoredSetting>, service: 'rds' | null = null) {
  const settings = stored({ wal_level: 'minimal' }, more);
  return judgeReview(reviewSettings(settings, givenOf(settings, server)), service)[0]?.next_step;
}

describe('findings', () => {
  const rows = review({ fsync: 'off', wal_level: 'minimal', log_lock_waits: 'off', max_connections: '100' });

  it('are about risks that nobody else reports', () => {
    expect(rows.map(({ setting, verdict }) => [setting, verdict])).toEqual([
      ['fsync', 'risk'],
      ['wal_level', 'risk'],
      ['log_lock_waits', 'improve'],
      ['max_connections', 'ok'],
    ]);
    expect(judgeReview(rows, null)).toMatchObject([
      {
        severity: 'notice',
        claim: expect.stringMatching(/^wal_level is minimal: there can be no base backup/),
        why: 'https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-WAL-LEVEL',
        next_step: `ALTER SYSTEM SET wal_level = 'replica';\nSELECT pg_reload_conf();`,
      },
    ]);
  });

  it('advise what comes into force', () => {
    expect(step({ context: 'postmaster' })).toContain('-- comes into force with a restart');
    expect(step({ source: 'command line' })).toMatch(/^SELECT (?!.*ALTER SYSTEM)/);
    expect(step({ source: 'database' })).toMatch(/^SELECT (?!.*ALTER SYSTEM)[^]*ALTER DATABASE/);
    expect(step({}, 'rds')).toMatch(/^-- Amazon RDS has no ALTER SYSTEM/);
  });
});

it.each([
  ['autovacuum_freeze_max_age', 'age(relfrozenxid)', 'file'],
  ['autovacuum_multixact_freeze_max_age', 'mxid_age(relminmxid)', 'file'],
  ['autovacuum_freeze_max_age', 'age(relfrozenxid)', 'command line'],
])('lowers %s only after the oldest tables are frozen', (setting, age, source) => {
  const settings = stored({ [setting]: '2000000000' }, { context: 'postmaster', source });
  const [finding] = judgeReview(reviewSettings(settings, givenOf(settings, server)), null);
  const [look, ...rest] = finding?.next_step?.split('\n') ?? [];
  expect(look).toContain(`ORDER BY ${age} DESC`);
  expect(rest.every((line) => line.startsWith('-- '))).toBe(true);
  expect(rest.join()).toMatch(
    new RegExp(`VACUUM \\(FREEZE\\) the oldest first.*against wraparound.*${setting} = 1000000000`),
  );
});

it('asks for what only the operator knows, once for all settings that need it', () => {
  const rows = review({ shared_buffers: '16384', work_mem: '4096', jit: 'on', max_worker_processes: '8' });
  expect(askOperator(rows)).toEqual([
    expect.objectContaining({ what: 'shared_buffers, work_mem', remedy: 'Ask again with memory, in bytes.' }),
    expect.objectContaining({ what: 'max_worker_processes', reason: expect.stringMatching(/^It depends/) }),
    expect.objectContaining({ what: 'jit', remedy: 'Ask again with workload.' }),
  ]);
});

it('says what the own login hides, and judges nothing of it', () => {
  const settings = stored({ work_mem: '4096' }, { setting: null });
  expect(hiddenByLogin(settings)).toMatchObject([{ what: 'work_mem' }]);
  expect(reviewSettings(settings, givenOf(settings, server))).toEqual([]);
  expect(hiddenByLogin(stored({ work_mem: '4096' }))).toEqual([]);
});

it.each([
  ['16384', '8kB', 128 * 2 ** 20],
  ['5', 'min', 300_000],
  ['0.5', 'ms', 0.5],
  ['-1', 'kB', -1],
  ['0', 'ms', 0],
  ['0.9', null, 0.9],
  ['on', null, null],
  ['', null, null],
  [null, null, null],
])('takes %s of %s for %s', (value, unit, amount) => {
  expect(amountOf(value, unit)).toBe(amount);
});

it('writes bytes as files have them', () => {
  expect([GB, 1.5 * GB, 100 * 1024, 1].map(formatBytes)).toEqual(['1GB', '1536MB', '100kB', '1kB']);
});
