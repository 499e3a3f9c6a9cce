/** describe_table judges one table as the diagnostics judge all. */
import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { runAs, useHowdah } from '../postgres/platform.ts';

describeEachMajor('describe_table and the diagnostics', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it('say the same of a table', async () => {
    await runAs(
      clone().superuserUrl,
      'create schema agree',
      'create table agree.target (id integer primary key)',
      'create table agree.source (id integer references agree.target, other serial) partition by hash (id)',
      'create table agree.source_0 partition of agree.source for values with (modulus 2, remainder 0)',
      'create table agree.source_1 partition of agree.source for values with (modulus 2, remainder 1)',
      'insert into agree.source select from generate_series(1, 10)',
      'create index on agree.source using brin (id)',
      'create index other_1 on agree.source (other)',
      'create index other_2 on agree.source (other)',
      'create table agree.leftovers (id integer)',
      'create unique index unfinished on agree.leftovers (id)',
      'create index id_ccnew on agree.leftovers (id desc)',
      `update pg_index set indisvalid = false, indisready = indisunique where indrelid = 'agree.leftovers'::regclass`,
      `select setval('agree.source_other_seq', 2000000000)`,
    );
    // both must count the same writes
    const counted = `select from pg_stat_user_tables where schemaname = 'agree' having sum(n_tup_ins) = 10`;
    await expect.poll(() => runAs(clone().superuserUrl, counted), { timeout: 10_000 }).toHaveLength(1);
    const diagnostics = ['invalid_indexes', 'duplicate_indexes', 'foreign_keys_without_index', 'sequence_exhaustion'];
    for (const tool of diagnostics) {
      const input = { schema: 'agree', ...(tool.startsWith('foreign') && { min_rows: 0 }) };
      const { rows, findings } = await howdah('superuser').call(tool, input);
      const tables = new Set(rows.map(({ table }) => String(table)));
      const described: unknown[] = [];
      for (const table of tables) {
        described.push(...(await howdah('superuser').call('describe_table', { schema: 'agree', table })).findings);
      }
      expect({ tool, findings: findings.length }).not.toEqual({ tool, findings: 0 });
      expect({ tool, findings: described }).toEqual({ tool, findings: expect.arrayContaining([...findings]) });
    }
    const leftovers = await howdah('plain').call('describe_table', { table: 'agree.leftovers' });
    expect(
      leftovers.findings.filter(({ severity }) => severity === 'warning').map(({ next_step }) => next_step),
    ).toEqual(
      expect.arrayContaining([
        'DROP INDEX CONCURRENTLY "agree"."id_ccnew"; -- then REINDEX again',
        expect.stringMatching(/^-- fails again while two rows have the same key\nREINDEX INDEX CONCURRENTLY/),
      ]),
    );
  });
});
