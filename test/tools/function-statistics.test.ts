import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';

describeEachMajor('function_statistics', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('says that nothing is counted, and what would count, to %s', async (login) => {
    const answer = await howdah(login).call('function_statistics');
    expect(answer).toMatchObject({ about: { track_functions: 'none' }, rows: [], total: 0, findings: [] });
    expect(answer.not_examined).toEqual([
      {
        what: 'calls of functions',
        reason: 'The setting track_functions is none: nothing is counted.',
        remedy: expect.stringContaining('ALTER SYSTEM SET track_functions = pl;'),
      },
    ]);
  });

  it('tells own time from that of the functions called, in milliseconds', async () => {
    const { superuserUrl } = clone();
    await runAs(
      superuserUrl,
      `create function "we.ird"."Inner One"(n integer) returns void language plpgsql as 'begin perform pg_sleep(0.05); end'`,
      `create function shop.outer_one() returns void language plpgsql as 'begin perform "we.ird"."Inner One"(1); perform "we.ird"."Inner One"(2); end'`,
      `create procedure hidden.quick(inout a integer, b text default 'x') language plpgsql as 'begin end'`,
      `set track_functions = 'pl'`,
      'select shop.outer_one()',
      'select shop.outer_one()',
      'call hidden.quick(1)',
    );
    await expect
      .poll(async () => (await howdah('plain').call('function_statistics')).total, { timeout: 10_000 })
      .toBe(3);
    const answer = await howdah('plain').call('function_statistics');
    const columns = ['schema', 'function', 'arguments', 'language', 'calls'];
    expect(fieldsOf(answer, ...columns)).toEqual([
      ['we.ird', 'Inner One', 'n integer', 'plpgsql', 4],
      ['shop', 'outer_one', '', 'plpgsql', 2],
      ['hidden', 'quick', expect.stringContaining('a integer, '), 'plpgsql', 1],
    ]);
    const [inner, outer, quick] = answer.rows;
    expect(Number(inner?.['self_ms'])).toBeGreaterThan(200);
    expect(Number(inner?.['self_ms'])).toBeLessThan(20_000);
    expect(inner).toMatchObject({ total_ms: inner?.['self_ms'] });
    expect(inner?.['mean_self_ms']).toBeCloseTo(Number(inner?.['self_ms']) / 4, 2);
    expect(Number(outer?.['total_ms'])).toBeGreaterThanOrEqual(Number(inner?.['total_ms']));
    expect(Number(outer?.['self_ms'])).toBeLessThan(Number(outer?.['total_ms']) / 2);
    const shares = [inner, outer, quick].map((row) => Number(row?.['self_percent']));
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(100, 0);
    expect(Number(shares[0])).toBeGreaterThan(90);
  });

  it('orders, filters and cuts', async () => {
    const names = async (input: Record<string, unknown>) =>
      (await howdah('monitor').call('function_statistics', input)).rows.map((row) => row['function']);
    expect(await names({ order_by: 'total_time' })).toEqual(['outer_one', 'Inner One', 'quick']);
    expect(await names({ order_by: 'mean_time' })).toEqual(['outer_one', 'Inner One', 'quick']);
    expect(await names({ order_by: 'calls', limit: 1 })).toEqual(['Inner One']);
    expect(await names({ schema: 'we.ird' })).toEqual(['Inner One']);
    expect(await names({ name: 'one' })).toEqual(['Inner One', 'outer_one']);
    expect(await howdah('monitor').call('function_statistics', { limit: 1 })).toMatchObject({
      truncated: true,
      total: 3,
    });
    const { findings } = await howdah('monitor').call('function_statistics', { slow_ms: 10 });
    expect(findings).toEqual([]); // of four calls
  });

  it('answers to its older name', async () => {
    const answer = await howdah('monitor').call('get_user_functions_stats', { database_name: clone().name });
    expect(answer.rows[0]).toMatchObject({ schema: 'we.ird', function: 'Inner One', calls: 4 });
  });
});

describeEachStandby('function_statistics of a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it('answers, since a standby counts its own', async () => {
    expect(await standby('plain').call('function_statistics')).toMatchObject({
      about: { track_functions: 'none' },
      rows: [],
    });
  });
});
