import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { expect, it } from 'vitest';
import { useClone } from '../postgres/clone.ts';
import { describeEachMajor } from '../postgres/each-major.ts';
import { LOGINS, loginsOf, runAs, useHowdah, withSession } from '../postgres/platform.ts';
import { fieldsOf, follow } from './advice.ts';

/** Starts a statement on "we.ird"."Big" that has to wait, lets `meanwhile` look, and cancels it: its traces stay. */
async function leaveUnfinished(url: string, statement: string, meanwhile: () => Promise<void>): Promise<void> {
  await withSession(url, async (holder) => {
    await withSession(url, async (builder) => {
      await holder.query('begin');
      await holder.query('lock table "we.ird"."Big" in row exclusive mode');
      const { rows } = await builder.query<{ pid: number }>('select pg_backend_pid() as pid');
      const pid = rows[0]?.pid;
      const ended = builder.query(statement).then(
        () => 'done',
        (error: unknown) => (error as pg.DatabaseError).code,
      );
      for (let waiting = false; !waiting; await sleep(10)) {
        const found = await holder.query('select from pg_locks where pid = $1 and not granted', [pid]);
        waiting = found.rows.length > 0;
      }
      await meanwhile();
      await holder.query('select pg_cancel_backend($1)', [pid]);
      expect(await ended).toBe('57014');
    });
  });
}

describeEachMajor('invalid_indexes', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(loginsOf(cluster))('names the broken index and no other, for %s', async (login) => {
    const [{ size } = {}] = await runAs(
      clone().superuserUrl,
      `select pg_relation_size('indexes.broken_a')::int as size`,
    );
    const answer = await howdah(login).call('invalid_indexes');
    expect(answer).toMatchObject({ total: 1, truncated: false });
    expect(answer.rows).toMatchObject([
      {
        schema: 'indexes',
        table: 'broken',
        index: 'broken_a',
        cause: 'failed_build',
        valid: false,
        ready: true,
        live: true,
        size,
        size_estimated: false,
      },
    ]);
    expect(answer.findings).toMatchObject([{ severity: 'warning', object: '"indexes"."broken_a"' }]);
    expect(answer).not.toHaveProperty('not_examined');
  });

  it('knows what is being built, reindexed or dropped from what was left behind', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table "we.ird"."Big" (id integer primary key, a integer, b integer)',
      'insert into "we.ird"."Big" select g, 1, g from generate_series(1, 100) g',
      'create index "Big a" on "we.ird"."Big" (a)',
      'create index "Big b" on "we.ird"."Big" (b)',
    );
    const rows = async (login: (typeof LOGINS)[number] = 'superuser') =>
      fieldsOf(await howdah(login).call('invalid_indexes', { schema: 'we.ird' }), 'index', 'cause', 'unique');
    const noneYet = async () => {
      for (const login of LOGINS) expect(await rows(login)).toEqual([]);
    };
    await leaveUnfinished(url, 'reindex index concurrently "we.ird"."Big a"', noneYet);
    expect(await rows()).toEqual([['Big a_ccnew', 'reindex_new', false]]);
    const [leftover] = (await howdah('plain').call('invalid_indexes', { schema: 'we.ird' })).findings;
    expect(leftover?.next_step).toMatch(/^DROP INDEX CONCURRENTLY "we\.ird"\."Big a_ccnew";/);
    if (leftover) await follow(url, leftover);
    expect(await rows()).toEqual([]);

    await leaveUnfinished(url, 'drop index concurrently "we.ird"."Big b"', noneYet);
    expect(await rows()).toEqual([['Big b', 'failed_build', false]]);
    await runAs(url, 'drop index "we.ird"."Big b"');

    await leaveUnfinished(url, 'create unique index concurrently "Big u" on "we.ird"."Big" (b)', noneYet);
    expect(await rows()).toEqual([['Big u', 'failed_build', true]]);
    const answer = await howdah('monitor').call('invalid_indexes', { schema: 'we.ird' });
    expect(answer.rows).toMatchObject([{ valid: false, ready: false, live: true }]);
    // another build on the same table does not hide it from those who may know which index that is
    await leaveUnfinished(url, 'create index concurrently "Big c" on "we.ird"."Big" (b)', async () => {
      expect(await rows('monitor')).toEqual([['Big u', 'failed_build', true]]);
    });
    await runAs(url, 'drop index "we.ird"."Big c"');
    const [failed] = answer.findings;
    if (failed) await follow(url, failed);
    expect(await rows()).toEqual([]);
  });

  it('advises to drop what a second attempt has replaced, and to keep what a constraint needs', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create table pgboss.twice (id integer primary key, a text)',
      'create index twice_a on pgboss.twice (lower(a)) where id > 5',
      'create index twice_a1 on pgboss.twice (  lower (a) ) where (id  >  5)',
      'create index twice_a2 on pgboss.twice (lower(a)) where id > 6',
      `update pg_index set indisvalid = false where indexrelid in ('pgboss.twice_a'::regclass, 'pgboss.twice_pkey'::regclass)`,
    );
    const { rows, findings } = await howdah('plain').call('invalid_indexes', { schema: 'pgboss' });
    expect(
      Object.fromEntries(rows.map(({ index, same_as, backs_constraint }) => [index, [same_as, backs_constraint]])),
    ).toEqual({
      twice_a: ['twice_a1', null],
      twice_pkey: [null, 'twice_pkey'],
    });
    const steps = findings.map(({ next_step }) => next_step?.split('\n').at(-1));
    expect(new Set(steps)).toEqual(
      new Set(['DROP INDEX CONCURRENTLY "pgboss"."twice_a";', 'REINDEX INDEX CONCURRENTLY "pgboss"."twice_pkey";']),
    );
    for (const finding of findings) await follow(url, finding);
    expect((await howdah('plain').call('invalid_indexes', { schema: 'pgboss' })).rows).toEqual([]);
  });

  it('knows that a partitioned index waits for its parts', async () => {
    const url = clone().superuserUrl;
    await runAs(
      url,
      'create index measurements_at on only partitions.measurements (at)',
      'create index measurements_2024_at on partitions.measurements_2024 (at)',
      'alter index partitions.measurements_at attach partition partitions.measurements_2024_at',
    );
    const answer = await howdah('plain').call('invalid_indexes', { schema: 'partitions' });
    expect(answer.rows).toMatchObject([
      {
        index: 'measurements_at',
        cause: 'partitioned',
        size: null,
        partitions_without: 2,
        first_without: 'partitions.measurements_2025',
      },
    ]);
    expect(answer.findings).toMatchObject([
      { severity: 'notice', claim: expect.stringContaining('2 partitions of its table have no index') },
    ]);
    for (const part of ['measurements_2025', 'measurements_default']) {
      await runAs(
        url,
        `create index ${part}_at on partitions.${part} (at)`,
        `alter index partitions.measurements_at attach partition partitions.${part}_at`,
      );
    }
    expect((await howdah('plain').call('invalid_indexes', { schema: 'partitions' })).rows).toEqual([]);
  });

  it('finds a broken index of a TOAST table', async () => {
    const url = clone().superuserUrl;
    const [{ toast } = {}] = await runAs(
      url,
      `update pg_index set indisvalid = false
        where indrelid = (select reltoastrelid from pg_class where oid = 'bloat.mostly_dead'::regclass)
       returning indexrelid::regclass::text as toast`,
    );
    const { rows, findings } = await howdah('plain').call('invalid_indexes', { schema: 'pg_toast' });
    expect(rows).toMatchObject([{ toast_of: 'bloat.mostly_dead', schema: 'pg_toast' }]);
    expect(`pg_toast.${rows[0]?.['index']}`).toBe(toast);
    expect(findings[0]?.next_step).toBe(
      `-- fails again while two rows have the same key\nREINDEX INDEX CONCURRENTLY "pg_toast"."${rows[0]?.['index']}";`,
    );
  });

  it('answers at once while the table is locked', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('begin');
      await session.query('lock table indexes.broken in access exclusive mode');
      const startedAt = performance.now();
      const answer = await howdah('plain').call('invalid_indexes', { schema: 'indexes' });
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(answer.rows).toMatchObject([{ index: 'broken_a', size_estimated: true }]);
    });
  });
});
