import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { caughtUp, cloneDatabase, useClone, type Clone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import {
  loginsOf,
  LOGINS,
  openNarrowHowdah,
  runAs,
  useHowdah,
  withSession,
  type Answer,
  type Row,
} from '../postgres/platform.ts';
import { follow } from './advice.ts';

function rowOf({ rows }: Answer, name: string): Row | undefined {
  return rows.find(({ database }) => database === name);
}

const all = { limit: 500 };
const unique = (name: string) => `${name} ${randomBytes(4).toString('hex')}`;

describeEachMajor('list_databases', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  let weird: Clone;
  beforeAll(async () => {
    weird = await cloneDatabase(cluster, unique('we.ird "Order"'));
  });
  afterAll(() => weird.drop());

  it.each(loginsOf(cluster))('says what each database is and how large, for %s', async (login) => {
    const { superuserUrl, name } = clone();
    const answer = await howdah(login).call('list_databases', all);
    const [known] = await runAs(superuserUrl, `select pg_database_size('${name}') as size`);
    expect(rowOf(answer, name)).toMatchObject({
      owner: 'postgres',
      encoding: 'UTF8',
      locale_provider: 'libc',
      locale: null,
      template: false,
      invalid: false,
      allows_connections: true,
      connection_limit: null,
      deadlocks: 0,
    });
    expect(Number(rowOf(answer, name)?.['size']) / Number(known?.['size'])).toBeCloseTo(1, 1);
    expect(Number(rowOf(answer, name)?.['connections'])).toBeGreaterThanOrEqual(1);
    expect(rowOf(answer, weird.name)).toMatchObject({ owner: 'postgres' });
    expect(rowOf(answer, 'template0')).toMatchObject({ template: true, allows_connections: false });
    expect(answer.total).toBe(answer.rows.length);
    const names = answer.rows.map(({ database }) => String(database));
    expect(names).toEqual(names.toSorted());
  });

  it('names an owner that may not log in', async () => {
    const owner = unique('nobody "logs in" so');
    const quoted = `"${owner.replaceAll('"', '""')}"`;
    const database = `"${weird.name.replaceAll('"', '""')}"`;
    await runAs(clone().superuserUrl, `create role ${quoted} nologin`, `alter database ${database} owner to ${quoted}`);
    try {
      for (const login of LOGINS)
        expect(rowOf(await howdah(login).call('list_databases', all), weird.name)).toMatchObject({ owner });
    } finally {
      await runAs(clone().superuserUrl, `alter database ${database} owner to postgres`, `drop role ${quoted}`);
    }
  });

  it('counts what a session did', async () => {
    await runAs(
      weird.superuserUrl,
      'set work_mem = 64',
      'select count(*) from (select generate_series(1, 100000) order by 1) s',
    );
    await expect
      .poll(async () => Number(rowOf(await howdah('monitor').call('list_databases', all), weird.name)?.['temp_files']))
      .toBeGreaterThan(0);
    const row = rowOf(await howdah('monitor').call('list_databases', all), weird.name);
    expect(Number(row?.['temp_size'])).toBeGreaterThan(100_000);
    expect(Number(row?.['hit_percent'])).toBeGreaterThan(0);
    expect(Number(row?.['commits'])).toBeGreaterThan(0);
  });

  it('does not measure what it may not, and says so', async () => {
    await runAs(weird.superuserUrl, `revoke connect on database "${weird.name.replaceAll('"', '""')}" from public`);
    const plain = await howdah('plain').call('list_databases', all);
    expect(rowOf(plain, weird.name)).toMatchObject({ size: null, owner: 'postgres' });
    expect(plain.not_examined).toEqual([
      expect.objectContaining({ what: expect.stringContaining('"we.ird ""Order"" ') }),
    ]);
    expect(rowOf(await howdah('monitor').call('list_databases', all), weird.name)?.['size']).toBeGreaterThan(0);
    const bySize = await howdah('plain').call('list_databases', { ...all, sort: 'size' });
    expect(bySize.rows.at(-1)?.['size']).toBeNull();
  });

  it('puts the largest, the oldest or the busiest first, and cuts the list', async () => {
    const { rows } = await howdah('monitor').call('list_databases', { ...all, sort: 'size' });
    const sizes = rows.map(({ size }) => Number(size));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const cut = await howdah('monitor').call('list_databases', { limit: 1, sort: 'connections' });
    expect(cut).toMatchObject({
      truncated: true,
      rows: [expect.objectContaining({ connections: expect.any(Number) })],
    });
    expect(cut.total).toBeGreaterThanOrEqual(5);
    const old = await howdah('monitor').call('list_databases', { ...all, sort: 'age', max_wraparound_percent: 0 });
    const ages = old.rows.map(({ xid_age, mxid_age }) => Math.max(Number(xid_age), Number(mxid_age)));
    expect(ages).toEqual(ages.toSorted((a, b) => b - a));
    expect(old.findings).toContainEqual(
      expect.objectContaining({ severity: 'warning', claim: expect.stringContaining('wraparound') }),
    );
  });

  it('warns of a database whose connections run out', async () => {
    const { superuserUrl, name } = weird;
    await runAs(superuserUrl, `alter database "${name.replaceAll('"', '""')}" connection limit 1`);
    await withSession(superuserUrl, async () => {
      const answer = await howdah('monitor').call('list_databases', all);
      expect(rowOf(answer, name)).toMatchObject({ connection_limit: 1, connections: 1 });
      expect(answer.findings).toContainEqual(
        expect.objectContaining({ severity: 'critical', object: `"${name.replaceAll('"', '""')}"` }),
      );
    });
  });

  it('finds a database that is half dropped', async () => {
    const name = `half_${randomBytes(4).toString('hex')}`;
    const { superuserUrl } = clone();
    await runAs(
      superuserUrl,
      `create database ${name}`,
      `update pg_database set datconnlimit = -2 where datname = '${name}'`,
    );
    const answer = await howdah('monitor').call('list_databases', all);
    const finding = answer.findings.find(({ object }) => object === `"${name}"`);
    expect(rowOf(answer, name)).toMatchObject({ invalid: true, connection_limit: null });
    await follow(superuserUrl, finding ?? { severity: 'ok', claim: 'none', evidence: {} });
    expect(rowOf(await howdah('monitor').call('list_databases', all), name)).toBeUndefined();
  });

  it.runIf(cluster.major >= 15)('finds a database whose collation has changed, and how to mend it by day', async () => {
    const name = `icu_${randomBytes(4).toString('hex')}`;
    const { superuserUrl } = clone();
    const create = `create database ${name} template template0 encoding 'UTF8' locale_provider icu icu_locale 'de-DE'`;
    await runAs(superuserUrl, create, `update pg_database set datcollversion = '1.0' where datname = '${name}'`);
    try {
      const answer = await howdah('plain').call('list_databases', all);
      const row = rowOf(answer, name);
      expect(row).toMatchObject({
        locale_provider: 'icu',
        locale: expect.stringMatching(/^de/),
        collation_version: '1.0',
      });
      const finding = answer.findings.find(({ object }) => object === `"${name}"`);
      expect(finding).toMatchObject({ severity: 'warning', evidence: { collation_version: '1.0' } });
      const url = Object.assign(new URL(superuserUrl), { pathname: `/${name}` }).href;
      await runAs(url, 'create table named (id integer primary key, name text unique)');
      const [, write = '', refresh = ''] = finding?.next_step?.split('\n') ?? [];
      const [rebuild, ...others] = await runAs(url, write);
      expect(Object.values(rebuild ?? {})).toEqual(['REINDEX INDEX CONCURRENTLY named_name_key;']);
      expect(others).toEqual([]);
      await follow(url, finding ?? { severity: 'ok', claim: 'none', evidence: {} });
      const followed = await howdah('plain').call('list_databases', all);
      expect(followed.findings.map(({ object }) => object)).toContain(`"${name}"`); // nothing is rebuilt yet
      await runAs(url, 'REINDEX INDEX CONCURRENTLY named_name_key', refresh.replace(/^--.*: /, ''));
      const mended = await howdah('plain').call('list_databases', all);
      expect(rowOf(mended, name)?.['collation_version']).toBe(row?.['actual_collation_version']);
      expect(mended.findings.map(({ object }) => object)).not.toContain(`"${name}"`);
    } finally {
      await runAs(superuserUrl, `drop database ${name}`);
    }
  });

  it('shows the persona its own databases, however many others come first', async () => {
    const narrow = await openNarrowHowdah(clone().monitorUrl, clone().name, weird.name);
    const answer = await narrow.call('list_databases', { limit: 2 });
    expect(new Set(answer.rows.map(({ database }) => database))).toEqual(new Set([clone().name, weird.name]));
    const sizes = answer.rows.map(({ size }) => Number(size));
    expect(answer).toMatchObject({ truncated: false, total: 2, total_size: (sizes[0] ?? 0) + (sizes[1] ?? 0) });
    expect(answer.not_examined?.[0]).toEqual({
      what: expect.stringMatching(/^\d+ rows of other databases$/),
      reason: 'The persona "narrow" does not open them.',
    });
    expect(JSON.stringify(answer)).not.toMatch(/template[01]/);
    await narrow.close();
  });

  it.each(['get_database_list', 'get_database_size_info'])('answers to %s', async (name) => {
    expect(rowOf(await howdah('monitor').call(name), clone().name)).toMatchObject({ owner: 'postgres' });
  });
});

describeEachStandby('list_databases of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('lists the same databases, for %s', async (login) => {
    await caughtUp(cluster);
    const answer = await standby(login).call('list_databases', all);
    expect(rowOf(answer, clone().name)).toMatchObject({ owner: 'postgres', conflicts: 0, deadlocks: 0 });
    expect(rowOf(answer, clone().name)?.['size']).toBeGreaterThan(1_000_000);
  });
});
