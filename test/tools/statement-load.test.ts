import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { cloneDatabase, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { openNarrowHowdah, runAs, useHowdah, type Answer, type Row } from '../postgres/platform.ts';

const newRole = () => `Load ${randomBytes(4).toString('hex')}`;
const all = { group_by: 'database_and_role', limit: 500 };

function rowOf({ rows }: Answer, where: Row): Row | undefined {
  return rows.find((row) => Object.entries(where).every(([field, value]) => row[field] === value));
}

describeEachMajor('statement_load', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('adds up what each role did in each database, in milliseconds and bytes', async () => {
    const role = newRole();
    await runAs(
      clone().superuserUrl,
      `create role "${role}"`,
      `grant usage on schema shop to "${role}"`,
      `grant select on shop.customers to "${role}"`,
      `set work_mem = 64`,
      `set role "${role}"`,
      'select id from shop.customers where id <= 7',
      'select id from shop.customers where id <= 7',
      'select pg_sleep(0.2)',
      'select count(*) from (select generate_series(1, 100000) order by 1) s',
    );
    try {
      const answer = await howdah('monitor').call('statement_load', all);
      const row = rowOf(answer, { database: clone().name, user: role });
      // SET ROLE is the first statement of its new role
      expect(row).toMatchObject({ type: null, statements: 4, calls: 5, rows: 16 });
      expect(Number(row?.['total_ms'])).toBeGreaterThan(200);
      expect(Number(row?.['total_ms'])).toBeLessThan(10_000);
      expect(row?.['mean_ms']).toBeCloseTo(Number(row?.['total_ms']) / 5, 2);
      expect(Number(row?.['temp_size'])).toBeGreaterThan(1_000_000);
      expect(row?.['wal_size'] === null).toBe(cluster.major < 13);
      expect(row?.['jit_ms'] === null).toBe(cluster.major < 15);
      expect(row?.['planning_ms']).toBeNull(); // as long as pg_stat_statements.track_planning is off
      const byRole = rowOf(await howdah('plain').call('statement_load', { group_by: 'role', limit: 500 }), {
        user: role,
      });
      expect(byRole).toMatchObject({ database: null, statements: 4, calls: 5, rows: 16, total_ms: row?.['total_ms'] });
    } finally {
      await runAs(clone().superuserUrl, `drop owned by "${role}"`, `drop role "${role}"`);
    }
  });

  it('gives shares that add up to the whole', async () => {
    const { rows } = await howdah('monitor').call('statement_load', { limit: 500 });
    for (const field of ['calls_percent', 'total_percent', 'rows_percent', 'read_percent']) {
      expect(rows.reduce((sum, row) => sum + Number(row[field]), 0)).toBeCloseTo(100, 0);
    }
    expect(rows.every(({ user, type }) => user === null && type === null)).toBe(true);
    const times = rows.map(({ total_ms }) => Number(total_ms));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  it('counts a statement within a function in that of its caller only', async () => {
    const role = newRole();
    await runAs(
      clone().superuserUrl,
      `create role "${role}"`,
      `set pg_stat_statements.track = 'all'`,
      `set role "${role}"`,
      'do $$ begin perform pg_sleep(0.1); end $$',
      'reset role',
      `drop role "${role}"`,
    );
    const answer = await howdah('monitor').call('statement_load', { limit: 500 });
    expect(rowOf(answer, { database: clone().name })?.['total_percent']).toBeGreaterThan(0);
    const grouped = await howdah('monitor').call('statement_load', all);
    // the role is gone and its statements are not; which of them are nested is told from version 1.9 on
    const gone = grouped.rows.filter(
      ({ user, database }) => String(user).startsWith('unknown (OID=') && database === clone().name,
    );
    expect(gone.map(({ calls }) => calls)).toContain(cluster.major < 14 ? 3 : 2);
  });

  it('tells kinds of statements by their beginnings, behind comments too, to those who may read them', async () => {
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const superuser = await openNarrowHowdah(other.superuserUrl, other.name);
    try {
      const table = `kinds_${randomBytes(4).toString('hex')}`;
      await runAs(
        other.superuserUrl,
        `create table public.${table} (id integer)`,
        `/* by: 'the nightly run' */ insert into public.${table} values (1), (2), (3)`,
        `-- again\n insert into public.${table} values (1), (2), (3)`,
        `with chosen as (select 1) delete from public.${table} where id in (select * from chosen)`,
        `update public.${table} set id = 5`,
        `vacuum public.${table}`,
        'begin',
        'rollback',
      );
      const answer = await superuser.call('statement_load', { group_by: 'statement_type' });
      const kinds = Object.fromEntries(answer.rows.map(({ type, calls, rows }) => [type, [calls, rows]]));
      expect(kinds).toMatchObject({ insert: [2, 6], update: [1, 4], with: [expect.any(Number), expect.any(Number)] });
      expect(kinds).toMatchObject({
        ddl: [expect.any(Number), 0],
        maintenance: [1, 0],
        transaction: [expect.any(Number), 0],
      });
      expect(Object.keys(kinds)).not.toContain('other');
      const plain = await howdah('plain').call('statement_load', { group_by: 'statement_type' });
      expect(rowOf(plain, { type: null })?.['calls']).toBeGreaterThan(0);
      expect((plain.not_examined ?? []).map(({ what }) => what)).toContain('the types of other roles’ statements');
    } finally {
      await superuser.close();
      await other.drop();
    }
  });

  it('leaves statements of databases that the persona does not open out of every sum', async () => {
    const role = newRole();
    const other = await cloneDatabase(cluster, undefined, 'fixture_ext');
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name);
    try {
      await runAs(
        other.superuserUrl,
        `create role "${role}"`,
        `set role "${role}"`,
        'select generate_series(1, 100000)',
      );
      expect(rowOf(await howdah('monitor').call('statement_load', all), { user: role })).toMatchObject({
        rows: 100_000,
      });
      for (const group_by of ['role', 'database_and_role', 'statement_type']) {
        const answer = await narrow.call('statement_load', { group_by, limit: 500 });
        expect(JSON.stringify(answer)).not.toContain(role);
        expect(answer.not_examined?.[0]).toMatchObject({ reason: 'The persona "narrow" does not open them.' });
        expect(answer.rows.reduce((sum, row) => sum + Number(row['total_percent']), 0)).toBeCloseTo(100, 0);
      }
    } finally {
      await narrow.close();
      await other.drop();
      await runAs(clone().superuserUrl, `drop role "${role}"`);
    }
  });

  it('says what to do where the extension is missing', async () => {
    const outcome = await howdah('monitor').attempt('statement_load', { database: 'postgres' });
    expect(outcome).toMatchObject({
      ok: false,
      error: {
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^statement_load needs the extension pg_stat_statements/),
        hint: expect.stringContaining('CREATE EXTENSION pg_stat_statements;'),
      },
    });
  });
});

describeEachStandby('statements of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('are counted there', async () => {
    await runAs(clone().standby?.superuserUrl ?? '', 'select count(*) as on_standby from shop.customers');
    const top = await standby('monitor').call('top_statements', { of_database: clone().name });
    expect(top.rows.map(({ statement }) => statement)).toContain('select count(*) as on_standby from shop.customers');
    expect(rowOf(await standby('plain').call('statement_load'), { database: clone().name })?.['calls']).toBeGreaterThan(
      0,
    );
  });
});
