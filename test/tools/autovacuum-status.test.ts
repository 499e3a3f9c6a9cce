import { beforeAll, expect, it } from 'vitest';
import type { Finding } from '../../src/contract/finding.ts';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession, type Howdah } from '../postgres/platform.ts';
import { objects } from './advice.ts';
import { eventually, rowOf } from './autovacuum.ts';

/** Makes a table look as if its oldest row were so many transactions old. */
const age = (table: string, column: 'relfrozenxid' | 'relminmxid', ids: number) =>
  `update pg_class set ${column} = ((${column}::text::bigint - ${ids} + 4294967296) % 4294967296)::text::xid where oid = '${table}'::regclass`;

const SCHEMA = [
  'create schema due',
  'create table due.quiet (a integer)',
  'create table due.exact (a integer) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100)',
  'create table due.beyond (a integer) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100)',
  'create table due."Order" (a integer)',
  'create table due.off (a integer) with (autovacuum_enabled = off, autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0.5)',
  'create table due.frozen (a integer)',
  'create table due.behind (a integer)',
  'create table due.young (a integer) with (autovacuum_freeze_max_age = 100000)',
  'create table due.shared (a integer)',
  'create materialized view due.sums as select 1 as a',
  ...['exact', 'beyond', 'off'].map((table) => `insert into due.${table} select generate_series(1, 1000)`),
  'insert into due."Order" select generate_series(1, 10000)',
  age('due.frozen', 'relfrozenxid', 200_000_001),
  age('due.behind', 'relfrozenxid', 300_000_001),
  age('due.young', 'relfrozenxid', 100_001),
  age('due.shared', 'relminmxid', 400_000_001),
];
const CHANGES = [
  'delete from due.exact where a <= 100',
  'delete from due.beyond where a <= 101',
  'update due."Order" set a = a + 1 where a <= 2100',
  'delete from due.off where a <= 600',
];

async function findingOn(howdah: Howdah, table: string): Promise<Finding | undefined> {
  const { findings } = await howdah.call('autovacuum_status', { schema: 'due' });
  return findings.find(({ object }) => object === table);
}

describeEachMajor('autovacuum_status', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const inserted = cluster.major >= 13;

  beforeAll(async () => {
    await runAs(clone().superuserUrl, ...SCHEMA);
    // what a session did is counted when it ends, so ANALYZE comes in another one
    await runAs(clone().superuserUrl, 'analyze due.exact, due.beyond, due."Order", due.off');
    await runAs(clone().superuserUrl, ...CHANGES);
    await eventually(
      howdah('plain'),
      { schema: 'due' },
      (answer) => rowOf(answer, 'off')['dead_rows'] === 600 && rowOf(answer, 'Order')['changes'] === 2100,
    );
  });

  it.each(loginsOf(cluster))(
    'goes by the thresholds of the table, the server and what ANALYZE counted, for %s',
    async (login) => {
      const answer = await howdah(login).call('autovacuum_status', { schema: 'due' });
      expect(rowOf(answer, 'exact')).toMatchObject({ dead_rows: 100, dead_rows_at: 100, due: [], percent: 100 });
      expect(rowOf(answer, 'beyond')).toMatchObject({
        dead_rows: 101,
        dead_rows_at: 100,
        due: ['dead_rows'],
        percent: 101,
        autovacuum: true,
      });
      expect(rowOf(answer, 'Order')).toMatchObject({
        rows: 10_000,
        dead_rows: 2100,
        dead_rows_at: 2050, // 50 + 20 %
        changes: 2100,
        changes_at: 1050, // 50 + 10 %
        inserts: inserted ? 10_000 : null,
        inserts_at: inserted ? 3000 : null, // 1000 + 20 %
        due: ['dead_rows', ...(inserted ? ['inserts'] : []), 'changes'],
        percent: inserted ? 333.33 : 200,
        hindered_by: 'autovacuum_off',
        last_autovacuum: null,
        last_analyze: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        vacuums: 0,
        analyzes: 1,
      });
      expect(rowOf(answer, 'off')).toMatchObject({
        autovacuum: false,
        dead_rows: 600,
        dead_rows_at: 510,
        changes_at: 150,
      });
      expect(rowOf(answer, 'quiet')).toMatchObject({ due: [], percent: 0, rows: 0, dead_rows: 0, hindered_by: null });
      expect(rowOf(answer, 'sums', 'materialized_view')).toMatchObject({ due: [] });
      expect(answer).toMatchObject({
        total: answer.rows.length,
        due: answer.rows.filter(({ due }) => String(due) !== '').length,
      });
    },
  );

  it('knows what is so old that VACUUM is forced, also where autovacuum is off', async () => {
    const answer = await howdah('plain').call('autovacuum_status', { schema: 'due' });
    expect(answer.rows.slice(0, 4).map((row) => [row['table'], row['due'], row['hindered_by']])).toEqual(
      expect.arrayContaining([
        ['frozen', ['xid_age'], null],
        ['behind', ['xid_age'], null],
        ['young', ['xid_age'], null],
        ['shared', ['mxid_age'], null],
      ]),
    );
    expect(rowOf(answer, 'frozen')).toMatchObject({ xid_age_at: 200_000_000, mxid_age_at: 400_000_000 });
    expect(rowOf(answer, 'young')).toMatchObject({ xid_age_at: 100_000 });
    // at its limit autovacuum comes, as it is meant to
    expect(objects(answer).filter((each) => /frozen|behind|young|shared/.test(each))).toEqual([
      'warning "due"."behind"',
    ]);
  });

  it.each(loginsOf(cluster))('reports that autovacuum is off, and the tables that wait, to %s', async (login) => {
    const answer = await howdah(login).call('autovacuum_status', { schema: 'due', min_rows: 100 });
    expect(answer['settings']).toMatchObject({
      autovacuum: false,
      track_counts: true,
      off_by: 'command line',
      max_workers: 3,
      cost_limit: 200,
      cost_delay_ms: 2,
      naptime_s: 60,
    });
    expect(objects(answer).toSorted()).toEqual(
      [
        'warning "autovacuum"',
        'warning "due"."Order"',
        'warning "due"."behind"',
        'warning "due"."beyond"',
        'warning "due"."off"',
      ].toSorted(),
    );
  });

  it('lists only what is due, and what fits a pattern', async () => {
    const due = await howdah('plain').call('autovacuum_status', { schema: 'due', due_only: true, limit: 2 });
    expect(due).toMatchObject({ truncated: true, total: due['due'] });
    expect(due.rows).toHaveLength(2);
    const named = await howdah('plain').call('autovacuum_status', { name: 'ORD*', schema: 'due' });
    expect(named.rows.map(({ schema, table }) => [schema, table])).toEqual([['due', 'Order']]);
    const all = await howdah('plain').call('autovacuum_status', { limit: 500 });
    expect(all.rows.map(({ schema, table }) => `${schema}.${table}`)).toEqual(
      expect.arrayContaining(['pgboss.job', 'we.ird.Mixed Case', 'hidden.payroll', 'shop.Order']),
    );
    expect(all.rows.filter(({ schema, due: waits }) => schema === 'pg_catalog' && String(waits) === '')).toEqual([]);
  });

  it('mends by plain VACUUM a table for which autovacuum does not come', async () => {
    const finding = await findingOn(howdah('plain'), '"due"."behind"');
    expect(finding).toMatchObject({ next_step: 'VACUUM "due"."behind";' });
    await runAs(clone().superuserUrl, String(finding?.next_step));
    expect(await findingOn(howdah('plain'), '"due"."behind"')).toBeUndefined();
  });

  it('gives TOAST its own options, or else those of its table', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema toast',
      'create table toast.own (a integer, b text) with (autovacuum_vacuum_threshold = 7000, toast.autovacuum_enabled = off)',
      'create table toast.inherited (a integer, b text) with (autovacuum_vacuum_threshold = 60, autovacuum_vacuum_scale_factor = 0)',
      ...['own', 'inherited'].flatMap((table) => [
        `alter table toast.${table} alter b set storage external`,
        `insert into toast.${table} select g, repeat('x', 8000) from generate_series(1, 100) g`,
      ]),
    );
    await runAs(
      clone().superuserUrl,
      'delete from toast.own where a <= 50',
      'delete from toast.inherited where a <= 50',
    );
    const answer = await eventually(
      howdah('plain'),
      { schema: 'toast' },
      (each) => Number(rowOf(each, 'inherited', 'toast')['dead_rows']) > 0,
    );
    expect(rowOf(answer, 'own')).toMatchObject({ autovacuum: true, dead_rows_at: 7000 });
    expect(rowOf(answer, 'own', 'toast')).toMatchObject({
      autovacuum: false,
      dead_rows_at: 50,
      changes_at: null,
      changes: null,
    });
    expect(rowOf(answer, 'inherited', 'toast')).toMatchObject({
      autovacuum: true,
      dead_rows_at: 60,
      dead_rows: 250,
      due: ['dead_rows'],
    });
    expect(rowOf(answer, 'inherited')).toMatchObject({ dead_rows: 50, dead_rows_at: 60 });
  });

  it.runIf(inserted)(
    'counts inserts, unless that is turned off; from 18 on frozen pages do not raise the threshold',
    async () => {
      await runAs(
        clone().superuserUrl,
        'create schema inserts',
        'create table inserts.fresh (a integer)',
        'create table inserts.never (a integer) with (autovacuum_vacuum_insert_threshold = -1)',
        'create table inserts.frozen (a integer)',
        'insert into inserts.frozen select generate_series(1, 100000)',
      );
      await runAs(clone().superuserUrl, 'vacuum freeze inserts.frozen');
      await runAs(
        clone().superuserUrl,
        'insert into inserts.fresh select generate_series(1, 1001)',
        'insert into inserts.never select generate_series(1, 5000)',
        'insert into inserts.frozen select generate_series(1, 2000)',
      );
      const answer = await eventually(
        howdah('plain'),
        { schema: 'inserts' },
        (each) => rowOf(each, 'frozen')['inserts'] === 2000 && rowOf(each, 'never')['changes'] === 5000,
      );
      expect(rowOf(answer, 'fresh')).toMatchObject({ inserts: 1001, inserts_at: 1000, due: ['inserts', 'changes'] });
      expect(rowOf(answer, 'never')).toMatchObject({ inserts: 5000, inserts_at: null, due: ['changes'] });
      expect(rowOf(answer, 'frozen')).toMatchObject({
        dead_rows_at: 20_050,
        inserts_at: cluster.major < 18 ? 21_000 : 1000,
      });
    },
  );

  it.runIf(cluster.major >= 18)(
    'knows the upper limit of dead rows, of the table before that of the server',
    async () => {
      await runAs(
        clone().superuserUrl,
        'create schema capped',
        'create table capped.by_table (a integer) with (autovacuum_vacuum_max_threshold = 70)',
        'create table capped.not_at_all (a integer) with (autovacuum_vacuum_max_threshold = -1, autovacuum_vacuum_threshold = 200000000)',
        'create table capped.by_server (a integer) with (autovacuum_vacuum_threshold = 200000000)',
        'insert into capped.by_table select generate_series(1, 1000)',
        'analyze capped.by_table',
      );
      const answer = await howdah('plain').call('autovacuum_status', { schema: 'capped' });
      expect(rowOf(answer, 'by_table')).toMatchObject({ dead_rows_at: 70 });
      expect(rowOf(answer, 'not_at_all')).toMatchObject({ dead_rows_at: 200_000_000 });
      expect(rowOf(answer, 'by_server')).toMatchObject({ dead_rows_at: 100_000_000 });
    },
  );

  it('answers at once while a table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table due.frozen in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('autovacuum_status', { schema: 'due' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(rowOf(answer, 'frozen')).toMatchObject({ due: ['xid_age'], hindered_by: 'locked' });
    });
  });

  it('answers to get_autovacuum_status', async () => {
    const answer = await howdah('monitor').call('get_autovacuum_status', {
      database_name: clone().name,
      schema_name: 'vacuum',
      table_pattern: 'at_',
      limit: 5,
    });
    expect(answer.rows.map(({ table }) => table)).toEqual(['at_100_rows', 'at_half']);
  });
});

describeEachStandby('autovacuum_status of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('knows ages, and says that only the primary counts, for %s', async (login) => {
    const answer = await standby(login).call('autovacuum_status', { schema: 'bloat' });
    expect(rowOf(answer, 'mostly_dead')).toMatchObject({
      autovacuum: false,
      rows: 2000,
      dead_rows: null,
      inserts: null,
      changes: null,
      percent: null,
      analyzes: null,
      last_analyze: null,
      dead_rows_at: 450,
      xid_age: expect.any(Number),
      due: [],
    });
    expect(answer.findings).toEqual([]);
    expect(answer.not_examined?.[0]).toMatchObject({ remedy: 'Ask the primary.' });
  });
});
