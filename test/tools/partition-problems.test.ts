import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, openHowdah, runAs, useHowdah, withSession, type Answer } from '../postgres/platform.ts';
import { fieldsOf, follow, followToTheEnd, objects } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

function rowOf({ rows }: Answer, table: string) {
  return rows.find((row) => row['table'] === table);
}

function aheadOf(answer: Answer, table: string): number {
  return Number(rowOf(answer, table)?.['ahead_s']);
}

describeEachMajor('partition_problems', (cluster) => {
  const clone = useCloneWith(cluster, 'partitions');
  const howdah = useHowdah(clone);
  const call = (input = {}) => howdah('plain').call('partition_problems', { schema: 'parts', limit: 50, ...input });

  it.each(loginsOf(cluster))('names what is the matter with each table, and nothing else, for %s', async (login) => {
    const answer = await howdah(login).call('partition_problems', { schema: 'parts' });
    expect(objects(answer)).toEqual([
      'critical "parts"."Ended"',
      'critical "parts"."hole"',
      'critical "parts"."tenants_1"',
      'warning "parts"."ended_default"',
      'warning "parts"."ends_today"',
      'notice "parts"."gapped"',
      'notice "parts"."uneven"',
      'notice "parts"."unique_within"',
      'notice "parts"."quiet"',
    ]);
    const [day] = await runAs(clone().superuserUrl, 'select current_date::text as today');
    expect(answer.findings[0]).toMatchObject({
      claim: '"parts"."Ended" has no partition for rows of now: inserts of them fail.',
      evidence: { key: 'at', ends_at: day?.['today'], partitions: 2 },
    });
    expect(answer.findings[3]?.claim).toMatch(/they go to its default partition\.$/);
    expect(answer.findings[4]?.claim).toMatch(/ends at .*: inserts of later rows fail\.$/);
    expect(answer).toMatchObject({ total: 20, truncated: false });
    const cut = await howdah(login).call('partition_problems', { schema: 'parts', limit: 2 });
    expect(fieldsOf(cut, 'table')).toEqual([['Ended'], ['hole']]);
    expect(cut).toMatchObject({ total: 20, truncated: true });
    expect(objects(cut)).toEqual(objects(answer));
  });

  it('reads bounds of dates and integers only, and says of which tables it does not', async () => {
    const answer = await call();
    const boundsOf = (table: string) => rowOf(answer, table)?.['bounds'];
    expect(['premade', 'gapped', 'words', 'pairs', 'hashed', 'tenants'].map(boundsOf)).toEqual([
      'read',
      'read',
      'other key',
      'other key',
      'not ranges',
      'not ranges',
    ]);
    expect(answer.not_examined).toEqual([
      expect.objectContaining({ what: 'gaps and the end of the ranges of "parts"."pairs", "parts"."words"' }),
    ]);
    expect(rowOf(answer, 'open_end')).toMatchObject({ ends_at: null, ahead_s: null, gaps: 0 });
    expect(rowOf(answer, 'gapped')).toMatchObject({ ends_at: '30', ahead_s: null, gaps: 1 });
    const ahead = Number(rowOf(answer, 'premade')?.['ahead_s']);
    expect(ahead).toBeGreaterThan(59 * 86_400 - 86_400);
    expect(ahead).toBeLessThanOrEqual(60 * 86_400);
    expect(rowOf(answer, 'quiet')).toMatchObject({ autovacuum_off: 1, parameter_sets: 2 });
    expect(fieldsOf(answer, 'table').at(0)).toEqual(['Ended']);
  });

  it('says where rows have no partition, and which partitions lack an index', async () => {
    const { findings } = await call();
    const claimOf = (object: string) => findings.find((finding) => finding.object === object)?.claim;
    expect(claimOf('"parts"."gapped"')).toBe(
      '"parts"."gapped" has no partition for values from 10 to 20: inserts of them fail.',
    );
    await expect(runAs(clone().superuserUrl, 'insert into parts.gapped values (15)')).rejects.toThrow('no partition');
    const uneven = findings.find(({ object }) => object === '"parts"."uneven"');
    expect(uneven).toMatchObject({
      claim: '1 of 4 partitions of "parts"."uneven" lack an index on ("v") that the others have.',
      evidence: { partitions_with: 3, partitions_without: 1, without: 'parts.uneven_4', index: '"parts"."v_of_3"' },
    });
    const [, look = ''] = uneven?.next_step?.split('\n') ?? [];
    expect(await runAs(clone().superuserUrl, look)).toEqual([
      { pg_get_indexdef: 'CREATE INDEX v_of_3 ON parts.uneven_3 USING btree (v)' },
    ]);
  });

  it('goes by the clock of the server where the key has no time zone, and by the time where it has', async () => {
    const url = clone().superuserUrl;
    const ahead = async (zone: string) => {
      await runAs(url, `alter database ${clone().name} set timezone = '${zone}'`);
      const there = await openHowdah(clone().plainUrl);
      const answer = await there.call('partition_problems', { schema: 'parts' });
      await there.close();
      return [aheadOf(answer, 'premade'), aheadOf(answer, 'ends_today')] as const;
    };
    const [dateInWest, timeInWest] = await ahead('Etc/GMT+10');
    const [dateInEast, timeInEast] = await ahead('Etc/GMT-10');
    expect(Math.abs(dateInWest - dateInEast - 20 * 3600)).toBeLessThan(60);
    expect(Math.abs(timeInWest - timeInEast)).toBeLessThan(60);
    await runAs(url, `alter database ${clone().name} reset timezone`);
  });

  it('goes by its thresholds', async () => {
    expect(objects(await call({ warn_ahead_days: 0 }))).not.toContain('warning "parts"."ends_today"');
    expect(objects(await call({ max_partitions: 3 }))).toContain('notice "parts"."uneven"');
    expect((await call({ max_partitions: 3 })).findings.map(({ claim }) => claim).join()).toContain(
      '"parts"."uneven" has 4 partitions',
    );
    expect((await call({ max_partitions: 4 })).findings.map(({ claim }) => claim).join()).not.toContain(
      'has 4 partitions',
    );
  });

  it('answers at once while a partition is locked, and says what it does not know', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table parts.gapped_low, parts.rest in access exclusive mode');
      const startedAt = performance.now();
      const answer = await call();
      expect(performance.now() - startedAt).toBeLessThan(1500);
      expect(rowOf(answer, 'gapped')).toMatchObject({ bounds: 'locked', gaps: null });
      expect(objects(answer)).not.toContain('notice "parts"."gapped"');
      expect(answer.not_examined?.map(({ what }) => what)).toContain(
        'gaps and the end of the ranges of "parts"."gapped"',
      );
    });
  });

  it('is content when the advice was followed', async () => {
    const url = clone().superuserUrl;
    const today = /"(Ended|ended_default|ends_today|tenants_1)"$/;
    const stepsOf = (answer: Answer) => answer.findings.filter(({ object }) => today.test(object ?? ''));
    // today comes first, and then the day after
    for (const finding of stepsOf(await call())) await followToTheEnd(url, finding);
    await runAs(
      url,
      'insert into parts."Ended" values (current_date)',
      'insert into parts.tenants values (1, current_date)',
    );
    for (const finding of stepsOf(await call())) await followToTheEnd(url, finding);
    expect(stepsOf(await call())).toEqual([]);
  });

  it('spares the default partition a scan under lock, when its advice is followed', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table parts."By day" (at date) partition by range (at)',
      `select format('create table parts.last_day partition of parts."By day" for values from (%L) to (%L)', current_date - 1, current_date) as make`,
    ).then(([made]) =>
      runAs(url, String(made?.['make']), 'create table parts.others partition of parts."By day" default'),
    );
    const advised = (await call()).findings.find(({ object }) => object === '"parts"."By day"');
    expect(advised).toMatchObject({ severity: 'warning' });
    const spared = await withSession(url, async (session) => {
      const said: (string | undefined)[] = [];
      session.on('notice', ({ message }) => said.push(message));
      await session.query('set client_min_messages = debug1');
      for (const line of advised?.next_step?.split('\n') ?? [])
        for (const [statement] of line.matchAll(/(?:SET|ALTER|CREATE) [^;]*;/g)) await session.query(statement);
      return said.filter((message) => message?.includes('"others" is implied by existing constraints'));
    });
    expect(spared).toHaveLength(1);
    expect(objects(await call())).not.toContain('warning "parts"."By day"');
    await runAs(url, 'drop table parts."By day"');
  });

  it('makes the next month by the clock of the server, whose months are not those of UTC', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      `alter database ${clone().name} set timezone = 'Europe/Berlin'`,
      'create table parts.monthly (at timestamptz not null) partition by range (at)',
    );
    const there = await openHowdah(clone().plainUrl);
    try {
      await runAs(
        url,
        `do $$ begin execute (select string_agg(format('create table parts.%I partition of parts.monthly for values from (%L) to (%L)',
             'monthly_' || to_char(m, 'YYYYMM'), m, m + interval '1 month'), ';')
           from generate_series(date_trunc('month', now()) - interval '11 months', date_trunc('month', now()), interval '1 month') m); end $$`,
      );
      const input = { schema: 'parts', limit: 50, warn_ahead_days: 31 };
      const advised = (await there.call('partition_problems', input)).findings.find(
        ({ object }) => object === '"parts"."monthly"',
      );
      const [next] = await runAs(
        url,
        `select to_char(n, 'YYYYMMDD') as name, (n at time zone 'UTC')::text || '+00' as from, ((n + interval '1 month') at time zone 'UTC')::text || '+00' as to
           from (select date_trunc('month', now()) + interval '1 month' as n) n`,
      );
      if (advised) await follow(url, advised);
      const [made] = await runAs(
        url,
        `set timezone = 'UTC'`,
        `select pg_get_expr(c.relpartbound, c.oid) as bound from pg_class c where c.relname = 'monthly_${String(next?.['name'])}'`,
      );
      expect(made).toEqual({
        bound: `FOR VALUES FROM ('${String(next?.['from'])}') TO ('${String(next?.['to'])}')`,
      });
    } finally {
      await there.close();
      await runAs(url, 'drop table parts.monthly', `alter database ${clone().name} reset timezone`);
    }
  });

  it.runIf(cluster.major >= 14)('warns of a partition that is half detached', async () => {
    const url = clone().superuserUrl;
    await runAs(url, `update pg_inherits set inhdetachpending = true where inhrelid = 'parts.quiet_2'::regclass`);
    const answer = await call();
    expect(rowOf(answer, 'quiet')).toMatchObject({ half_detached: 1, bounds: 'read' });
    const finding = answer.findings.find(({ object }) => object === '"parts"."quiet_2"');
    expect(finding).toMatchObject({ severity: 'warning' });
    await follow(url, finding ?? answer.findings[0] ?? { severity: 'ok', claim: '', evidence: {} });
    expect(rowOf(await call(), 'quiet')).toMatchObject({ half_detached: 0, partitions: 1 });
  });
});

describeEachMajor('partition_problems of the default partition', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('says of a filled one what describe_table says', async () => {
    const all = await howdah('plain').call('partition_problems');
    const one = await howdah('plain').call('describe_table', { table: 'measurements' });
    expect(one.findings).toEqual([
      expect.objectContaining({ severity: 'notice', object: '"partitions"."measurements_default"' }),
    ]);
    expect(all.findings).toContainEqual(one.findings[0]);
    await runAs(clone().superuserUrl, 'truncate partitions.measurements_default');
    const emptied = await howdah('plain').call('partition_problems');
    expect(objects(emptied)).not.toContain('notice "partitions"."measurements_default"');
  });
});
