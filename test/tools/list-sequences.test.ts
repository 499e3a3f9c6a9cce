import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf } from './advice.ts';

describeEachMajor('list_sequences', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('describes each with its column and its values', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema "S q"',
      'create sequence "S q"."Down" as smallint increment -5 minvalue -100 maxvalue 50 start 20 cache 7 cycle',
      `select nextval('"S q"."Down"')`, // and six more are taken
    );
    const answer = await howdah('superuser').call('list_sequences');
    expect(fieldsOf(answer, 'schema', 'sequence', 'table', 'column', 'identity', 'last_value', 'used_percent')).toEqual(
      [
        ['S q', 'Down', null, null, false, expect.stringMatching(/^-1[05]$/), expect.any(Number)],
        ['sequences', 'fresh_id_seq', 'fresh', 'id', true, null, 0],
        ['sequences', 'nearly_full_id_seq', 'nearly_full', 'id', false, '32000', 97.66],
        ['sequences', 'wider_than_column', 'narrow_column', 'id', false, '2000000000', 93.13],
        ['shop', 'Order_id_seq', 'Order', 'id', true, null, 0],
        ['shop', 'customers_id_seq', 'customers', 'id', true, '1000', 0],
      ],
    );
    expect(answer.rows[0]).toMatchObject({
      sequence_type: 'smallint',
      start: '20',
      minimum: '-100',
      maximum: '50',
      increment: '-5',
      cycles: true,
      cache: '7',
      owner: 'postgres',
      unreadable: null,
    });
    expect(answer).toMatchObject({ total: 6, truncated: false, findings: [] });
    const exhaustion = await howdah('superuser').call('sequence_exhaustion', { schema: 'S q' });
    expect(exhaustion.rows[0]?.['used_percent']).toBe(answer.rows[0]?.['used_percent']);
  });

  it.each(loginsOf(cluster))('shows to %s what it may read, and says why not the rest', async (login) => {
    const answer = await howdah(login).call('list_sequences', { schema: 'sequences', name: 'full' });
    const visible = login === 'superuser';
    expect(answer.rows).toMatchObject([
      {
        sequence: 'nearly_full_id_seq',
        maximum: '32767',
        last_value: visible ? '32000' : null,
        used_percent: visible ? 97.66 : null,
        unreadable: visible ? null : 'right',
      },
    ]);
    expect(answer.not_examined?.map(({ remedy }) => remedy)).toEqual(
      visible ? undefined : [`GRANT SELECT ON ALL SEQUENCES IN SCHEMA sequences TO "${login}";`],
    );
  });

  it('says how many there are beyond the limit', async () => {
    const answer = await howdah('superuser').call('list_sequences', { schema: 'sequences', limit: 2 });
    expect(answer).toMatchObject({ total: 3, truncated: true });
    expect(fieldsOf(answer, 'sequence')).toEqual([['fresh_id_seq'], ['nearly_full_id_seq']]);
  });

  it('answers at once while one is altered, and says that it is behind a lock', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('alter sequence sequences.wider_than_column increment 2');
      const startedAt = performance.now();
      const answer = await howdah('superuser').call('list_sequences', { schema: 'sequences' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(fieldsOf(answer, 'sequence', 'unreadable')).toContainEqual(['wider_than_column', 'lock']);
    });
  });
});
