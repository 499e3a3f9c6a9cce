import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby, newestCluster } from '../postgres/each-major.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
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
import { onServer } from './on-server.ts';

function rowOf({ rows }: Answer, tablespace: string): Row | undefined {
  return rows.find((row) => row['tablespace'] === tablespace);
}

describeEachMajor('tablespaces', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('measures them, and says whose they are, for %s', async (login) => {
    const answer = await howdah(login).call('tablespaces');
    const [known] = await runAs(
      clone().superuserUrl,
      `select pg_tablespace_size('pg_default')::float8 as size, (select count(*)::integer from pg_database) as databases,
              (select count(*)::integer from pg_class where relkind in ('r', 'm', 't') and reltablespace = 0) as tables`,
    );
    const row = rowOf(answer, 'pg_default');
    expect(row).toMatchObject({ owner: 'postgres', location: null, options: null });
    expect(Number(row?.['size']) / Number(known?.['size'])).toBeCloseTo(1, 0);
    expect(Number(row?.['databases'])).toBeGreaterThanOrEqual(4);
    expect(row?.['tables']).toBe(known?.['tables']);
    expect(Number(row?.['database_size'])).toBeGreaterThan(5_000_000);
    expect(rowOf(answer, 'pg_global')?.['size'] === null).toBe(login === 'plain');
    expect((answer.not_examined ?? []).map(({ what }) => what)).toEqual(
      login === 'plain' ? ['the size of "pg_global"', 'locations of tablespaces'] : [],
    );
    expect(answer).toMatchObject({
      placement: { database_tablespace: 'pg_default', default_tablespace: '', temp_tablespaces: '' },
      findings: [],
    });
  });

  it('measures nothing when it is not asked to, or there is no time', async () => {
    const quick = await howdah('monitor').call('tablespaces', { sizes: false });
    expect(rowOf(quick, 'pg_default')).toMatchObject({ size: null, tables: expect.any(Number) });
    expect(quick).not.toHaveProperty('not_examined');
    const late = await howdah('monitor').call('tablespaces', { measure_s: 0 });
    expect((late.not_examined ?? []).map(({ what }) => what)).toEqual([expect.stringMatching(/^the size of "pg_/)]);
    expect(late.findings).toEqual([]);
  });

  it('answers beside a locked table', async () => {
    await withSession(clone().superuserUrl, async (holder) => {
      await holder.query('begin');
      await holder.query('lock table indexes.events in access exclusive mode');
      const began = performance.now();
      expect(rowOf(await howdah('monitor').call('tablespaces'), 'pg_default')).toBeDefined();
      expect(performance.now() - began).toBeLessThan(2000);
    });
  });
});

/** A standby on the same machine would put its files in the same directory. */
describeEachMajor('tablespaces that somebody made', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);
  const name = `Fast ${randomBytes(4).toString('hex')}`;
  const isInPlace = cluster.standby !== undefined;
  const isPossible = !isInPlace || cluster.major >= 15;
  const location = `${cluster.socketDir}/${name}`;

  beforeAll(async () => {
    if (!isPossible) return;
    const { superuserUrl } = clone();
    if (!isInPlace) await onServer(superuserUrl, `mkdir '${location}'`);
    await runAs(
      superuserUrl,
      ...(isInPlace ? ['set allow_in_place_tablespaces = on'] : []),
      `create tablespace "${name}" owner plain location '${isInPlace ? '' : location}' with (random_page_cost = 1.1)`,
      `create table shop.moved (id integer primary key) tablespace "${name}"`,
      'insert into shop.moved select generate_series(1, 10000)',
      'analyze shop.moved',
    );
  });
  afterAll(async () => {
    if (!isPossible) return;
    await runAs(clone().superuserUrl, 'drop table shop.moved', `drop tablespace "${name}"`);
    if (!isInPlace) await onServer(clone().superuserUrl, `rmdir '${location}'`);
  });

  it.runIf(isPossible).each(loginsOf(cluster))(
    'are told with their options and what is in them, to %s',
    async (login) => {
      const answer = await howdah(login).call('tablespaces');
      const [known] = await runAs(
        clone().superuserUrl,
        `select pg_relation_size('shop.moved')::integer as size, pg_tablespace_size('${name}')::integer as all_size,
              pg_tablespace_location(oid) as location from pg_tablespace where spcname = '${name}'`,
      );
      expect(rowOf(answer, name)).toMatchObject({
        owner: 'plain',
        options: ['random_page_cost=1.1'],
        databases: 0,
        tables: 1,
        indexes: 0,
        database_size: known?.['size'],
        size: known?.['all_size'], // plain owns it
        location: login === 'plain' ? null : known?.['location'],
      });
      expect(answer.findings).toEqual([]);
    },
  );

  it.runIf(!isInPlace)('are critical when they cannot be read', async () => {
    await runAs(clone().superuserUrl, 'checkpoint');
    await onServer(clone().superuserUrl, `mv '${location}' '${location}.away'`);
    try {
      const answer = await howdah('monitor').call('tablespaces');
      expect(rowOf(answer, name)?.['size']).toBeNull();
      expect(answer.findings).toMatchObject([{ severity: 'critical', object: `"${name}"` }]);
    } finally {
      await onServer(clone().superuserUrl, `mv '${location}.away' '${location}'`);
    }
  });

  it.runIf(!isInPlace)('hold temporary files, too', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query(`set temp_tablespaces = "${name}"`);
      await session.query('set work_mem = 64');
      await session.query('begin');
      await session.query('declare spilled cursor for select g from generate_series(1, 200000) g order by -g');
      await session.query('fetch 1 from spilled');
      const answer = await howdah('monitor').call('temporary_files', { limit: 500 });
      expect(answer.rows.find(({ tablespace }) => tablespace === name)).toMatchObject({ database: clone().name });
    });
  });
});

it('finds tablespaces in the data directory, and settings that name none', async () => {
  expect(newestCluster().major).toBeGreaterThan(12);
  const settings = { default_tablespace: 'gone', temp_tablespaces: 'pg_default, "Gone"' };
  await withSeparateServer(settings, async (server, url) => {
    await onServer(url, `mkdir '${server.dataDir}/inside'`);
    await runAs(url, `create tablespace inside location '${server.dataDir}/inside'`);
    const howdah = await openHowdah(url);
    const { findings } = await howdah.call('tablespaces');
    await howdah.close();
    expect(findings.map(({ severity, object }) => `${severity} ${object}`)).toEqual([
      'warning "inside"',
      'notice "default_tablespace"',
      'notice "temp_tablespaces"',
    ]);
    expect(findings[2]?.claim).toContain('names "Gone", which');
  });
});

describeEachStandby('tablespaces of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('are measured, for %s', async (login) => {
    const answer = await standby(login).call('tablespaces');
    expect(Number(rowOf(answer, 'pg_default')?.['size'])).toBeGreaterThan(10_000_000);
  });
});
