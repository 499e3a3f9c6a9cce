import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession, type Answer, type Row } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';

function treeOf(answer: Answer, ...fields: string[]): unknown[][] {
  return (answer['partitions'] as readonly Row[]).map((row) => fields.map((field) => row[field]));
}

describeEachMajor('partitions', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('lists partitioned tables with all that is below them, for %s', async (login) => {
    const answer = await howdah(login).call('partitions');
    expect(answer.rows).toEqual([
      {
        schema: 'partitions',
        table: 'measurements',
        strategy: 'range',
        key: '(at)',
        partitions: 3,
        levels: 2,
        default: true,
        rows: 3,
        size: 3 * 40_960,
        size_estimated: false,
      },
    ]);
    expect(answer).toMatchObject({ total: 1, truncated: false, findings: [] });
    expect(answer).not.toHaveProperty('partitions');
    expect(await howdah(login).call('partitions', { schema: 'shop' })).toMatchObject({ rows: [], total: 0 });
  });

  it.each(loginsOf(cluster))('shows the tree of one table with its bounds, for %s', async (login) => {
    const answer = await howdah(login).call('partitions', { table: 'measurements' });
    expect(treeOf(answer, 'level', 'table', 'parent', 'bound', 'partitioned_by', 'rows', 'size')).toEqual([
      [1, 'measurements_2024', 'measurements', "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", null, 1, 40_960],
      [1, 'measurements_2025', 'measurements', "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')", 'list', 1, 40_960],
      [2, 'measurements_2025_one', 'measurements_2025', 'FOR VALUES IN (1)', null, 1, 40_960],
      [1, 'measurements_default', 'measurements', 'DEFAULT', null, 1, 40_960],
    ]);
    expect(answer).toMatchObject({ total_partitions: 4, rows: [{ table: 'measurements' }] });
    const below = await howdah(login).call('partitions', { table: 'measurements_2025' });
    expect(treeOf(below, 'level', 'table')).toEqual([[1, 'measurements_2025_one']]);
  });

  it('shows the last of many partitions, and says how many there are', async () => {
    const answer = await howdah('plain').call('partitions', { table: 'measurements', limit: 2 });
    expect(treeOf(answer, 'table')).toEqual([['measurements_2025_one'], ['measurements_default']]);
    expect(answer).toMatchObject({ total_partitions: 4 });
  });

  it('knows hash partitions, foreign ones, and a table without any', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema "Kinds"',
      'create table "Kinds"."By hash" (id integer, "a b" integer) partition by hash (id, "a b")',
      'create table "Kinds".zero partition of "Kinds"."By hash" for values with (modulus 2, remainder 0)',
      'create table "Kinds".none (id integer) partition by list ((id % 2))',
      'create table "Kinds".outside (id integer) partition by list (id)',
      'create foreign data wrapper nothing',
      'create server nowhere foreign data wrapper nothing',
      'create foreign table "Kinds".away partition of "Kinds".outside for values in (1) server nowhere',
    );
    const answer = await howdah('plain').call('partitions', { schema: 'Kinds' });
    expect(fieldsOf(answer, 'table', 'strategy', 'key', 'partitions', 'levels', 'size')).toEqual([
      ['By hash', 'hash', '(id, "a b")', 1, 1, 0],
      ['none', 'list', '(((id % 2)))', 0, 0, 0],
      ['outside', 'list', '(id)', 1, 1, 0],
    ]);
    const hash = await howdah('plain').call('partitions', { table: '"Kinds"."By hash"' });
    expect(treeOf(hash, 'table', 'bound')).toEqual([['zero', 'FOR VALUES WITH (modulus 2, remainder 0)']]);
    const outside = await howdah('plain').call('partitions', { table: 'outside' });
    expect(treeOf(outside, 'table', 'partitioned_by', 'size')).toEqual([['away', 'foreign', null]]);
  });

  it('refuses a table that is not partitioned', async () => {
    expect(await howdah('plain').attempt('partitions', { table: 'shop.Order' })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_INPUT', message: '"shop"."Order" is not partitioned.' },
    });
  });

  it('answers at once while partitions are locked, and says what it left out', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table partitions.measurements in access exclusive mode'); // and so every partition
      const startedAt = performance.now();
      const answer = await howdah('plain').call('partitions', { table: 'measurements' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows).toMatchObject([{ key: null, size_estimated: true, rows: 3 }]);
      expect(treeOf(answer, 'table', 'bound').map(([, bound]) => bound)).toEqual([null, null, null, 'DEFAULT']);
      expect(answer.not_examined?.map(({ what }) => what)).toEqual([
        'the keys of 1 tables',
        'the bounds of 3 partitions',
      ]);
    });
  });

  it.runIf(cluster.major >= 14)('tells a partition that is half detached', async () => {
    await runAs(
      clone().superuserUrl,
      `update pg_inherits set inhdetachpending = true where inhrelid = 'partitions.measurements_2024'::regclass`,
    );
    const answer = await howdah('plain').call('partitions', { table: 'measurements' });
    expect(treeOf(answer, 'table', 'detach_pending')[0]).toEqual(['measurements_2024', true]);
  });
});
