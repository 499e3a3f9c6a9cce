/** What is planted in the schema is named on every server, and nothing else is. */
import { beforeAll, expect, it } from 'vitest';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeEachMajor, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, type Answer } from '../postgres/platform.ts';

const INDEX_CALLS = [
  ['invalid_indexes', {}],
  ['duplicate_indexes', {}],
  ['foreign_keys_without_index', { min_rows: 0 }],
] as const;
const CALLS = [...INDEX_CALLS, ['sequence_exhaustion', {}]] as const;

/** What every server of a cluster knows of its rows. */
function replicated({ rows }: Answer): unknown[] {
  return rows.map((row) => ({ ...row, table_writes: null }));
}

describeEachMajor('a database in order', (cluster) => {
  const clone = useClone(cluster, 'fixture_ext');
  const howdah = useHowdah(clone);

  beforeAll(() =>
    runAs(
      clone().superuserUrl,
      'create schema "we.ird"',
      'create table "we.ird"."Order" (id bigint generated always as identity primary key, "at" date not null, note text)',
      'create table public.lines (order_id bigint not null references "we.ird"."Order", line integer, primary key (order_id, line))',
      'create index on "we.ird"."Order" (at, id)',
      'create index on "we.ird"."Order" (lower(note))',
      'create index on "we.ird"."Order" (upper(note))',
      'create table public.parts (id bigint not null references "we.ird"."Order", at date not null) partition by range (at)',
      "create table public.parts_1 partition of public.parts for values from ('2024-01-01') to ('2025-01-01')",
      'create index on public.parts (id)',
      'create table public.counted (id bigserial primary key)',
      'insert into public.counted select from generate_series(1, 10)',
    ),
  );

  it.each(loginsOf(cluster))('has no index and no key to mend, for %s', async (login) => {
    for (const [tool, input] of INDEX_CALLS) {
      const answer = await howdah(login).call(tool, input);
      expect(answer).toMatchObject({ findings: [], rows: [], total: 0 });
    }
  });

  it.each(loginsOf(cluster))('has no sequence that runs out, for %s', async (login) => {
    const answer = await howdah(login).call('sequence_exhaustion');
    expect(answer).toMatchObject({ findings: [], total: 2 });
  });
});

describeEachStandby('a standby', (cluster) => {
  const clone = useClone(cluster);
  const primary = useHowdah(clone);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('shows what the primary shows, for %s', async (login) => {
    for (const [tool, input] of CALLS) {
      const here = await standby(login).call(tool, input);
      const there = await primary(login).call(tool, input);
      expect(replicated(here)).toEqual(replicated(there));
      expect(here.rows).not.toEqual([]);
    }
  });

  it('says what only the primary knows', async () => {
    const invalid = await standby('monitor').call('invalid_indexes');
    expect(invalid.findings).toMatchObject([{ severity: 'notice', object: '"indexes"."broken_a"' }]);
    expect(invalid.not_examined).toMatchObject([{ what: 'whether invalid indexes are being built right now' }]);
    const duplicates = await standby('monitor').call('duplicate_indexes');
    expect(duplicates.rows[0]).toMatchObject({ table_writes: null });
    expect(duplicates.not_examined).toMatchObject([{ remedy: 'Ask the primary, where an index would be dropped.' }]);
  });

  it('reads no unlogged sequence', async () => {
    await runAs(
      clone().superuserUrl,
      'create unlogged table sequences.unlogged (id serial)',
      `select nextval('sequences.unlogged_id_seq')`,
    );
    await caughtUp(cluster);
    const answer = await standby('superuser').call('sequence_exhaustion', { schema: 'sequences' });
    const row = answer.rows.find(({ sequence }) => sequence === 'unlogged_id_seq');
    // before 15 the sequence of an unlogged table was logged
    expect(row).toMatchObject({ unreadable: cluster.major >= 15 ? 'standby' : null });
    expect(answer.not_examined?.map(({ remedy }) => remedy)).toEqual(
      cluster.major >= 15 ? ['Ask the primary.'] : undefined,
    );
  });
});
