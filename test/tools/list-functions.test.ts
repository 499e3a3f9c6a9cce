import { expect, it } from 'vitest';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';
import { useCloneWith } from './schema-fixture.ts';

describeEachMajor('list_functions', (cluster) => {
  const clone = useCloneWith(cluster, 'schema');
  const howdah = useHowdah(clone);
  const call = (input: Record<string, unknown>) =>
    howdah('plain').call('list_functions', { schema: 'routines', ...input });

  const named = async (input: Record<string, unknown>) => (await call(input)).rows.map((row) => row['function']);

  it.each(loginsOf(cluster))('describes each kind of routine, for %s', async (login) => {
    const answer = await howdah(login).call('list_functions', { schema: 'routines' });
    expect(fieldsOf(answer, 'function', 'arguments', 'result', 'kind', 'language')).toEqual([
      ['Mixed Case', '', 'void', 'function', 'sql'],
      ['act', 'INOUT a integer', null, 'procedure', 'plpgsql'],
      ['guarded', '', 'integer', 'function', 'plpgsql'],
      ['on_change', '', 'trigger', 'trigger', 'plpgsql'],
      ['plain', 'a integer, b text', 'text', 'function', 'sql'],
      ['plain', 'a integer', 'integer', 'function', 'sql'],
      ['total', 'integer', 'integer', 'aggregate', 'internal'],
    ]);
    expect(answer.rows[2]).toMatchObject({
      volatility: 'stable',
      security_definer: true,
      search_path: 'pg_catalog, pg_temp',
      strict: false,
      parallel: 'unsafe',
      owner: 'postgres',
    });
    expect(answer.rows[4]).toMatchObject({
      volatility: 'immutable',
      security_definer: false,
      search_path: null,
      strict: true,
      parallel: 'safe',
      comment: 'joins, with password=[redacted]',
    });
    expect(answer).toMatchObject({ total: 7, truncated: false, findings: [] });
    expect(JSON.stringify(answer)).not.toContain('plantedsecret');
  });

  it('finds functions by name, kind and language, in any schema', async () => {
    expect(await named({ name: 'PLAIN' })).toEqual(['plain', 'plain']);
    expect(await named({ name: 'plain(integer)' })).toEqual(['plain']);
    expect(await named({ kind: 'procedure' })).toEqual(['act']);
    expect(await named({ kind: 'trigger' })).toEqual(['on_change']);
    expect(await named({ kind: 'aggregate' })).toEqual(['total']);
    expect(await named({ language: 'plpgsql' })).toEqual(['act', 'guarded', 'on_change']);
    const anywhere = await howdah('plain').call('list_functions', { name: 'order_total' });
    expect(fieldsOf(anywhere, 'schema', 'arguments')).toEqual([
      ['shop', 'order_id bigint'],
      ['shop', 'customer_id integer'],
    ]);
  });

  it('leaves out functions of extensions unless they are asked for', async () => {
    const without = await howdah('plain').call('list_functions', { schema: 'public' });
    expect(without).toMatchObject({ rows: [], total: 0 });
    const all = await howdah('plain').call('list_functions', { schema: 'public', extensions: true });
    expect(all.rows.map((row) => row['function'])).toContain('pg_stat_statements_reset');
  });

  it('gives the source of one function, without what looks like a secret', async () => {
    expect(await call({ name: 'guarded' })).not.toHaveProperty('source');
    const answer = await call({ name: 'guarded', source: true });
    expect(answer['source']).toContain("perform 'postgres://app:[redacted]@db/shop'");
    expect(JSON.stringify(answer)).not.toContain('plantedsecret');
    const overloaded = await call({ name: 'plain(integer)', source: true });
    expect(overloaded['source']).toBe('select 1');
    const quoted = await call({ name: 'Mixed Case', source: true });
    expect(quoted['source']).toBe('select 1');
  });

  it.each([
    [{ name: 'plain' }, '2 functions are meant.'],
    [{ name: 'plai' }, 'No function is meant: `name` is its exact name, or name(types).'],
    [{ name: 'total' }, 'An aggregate has none of its own.'],
  ])('says why there is no source of %o', async (input, reason) => {
    const answer = await call({ ...input, source: true });
    expect(answer['source'] ?? null).toBeNull();
    expect(answer.not_examined).toEqual([expect.objectContaining({ what: 'the source of the function', reason })]);
  });

  it.runIf(cluster.major >= 14)('writes out standard SQL, but not while that would wait for a lock', async () => {
    await runAs(
      clone().superuserUrl,
      'create function routines.counted() returns bigint begin atomic select count(*) from graph.a; end',
    );
    const written = await call({ name: 'counted', source: true });
    expect(written['source']).toMatch(/SELECT count\(\*\) AS count\s+FROM graph\.a;/);
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table graph.a in access exclusive mode');
      const startedAt = performance.now();
      const answer = await call({ name: 'counted', source: true });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer).toMatchObject({ source: null, rows: [{ function: 'counted' }] });
      expect(answer.not_examined).toEqual([expect.objectContaining({ what: 'the source of the function' })]);
    });
  });
});
