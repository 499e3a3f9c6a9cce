import { describe, expect, it } from 'vitest';
import { PersonaSpec } from '../../src/contract/persona.ts';
import { renderBriefly } from '../../src/render/answer.ts';
import type { HealthAnswer } from '../../src/tools/health/health-check.ts';
import { caughtUp, useClone } from '../postgres/clone.ts';
import { describeSomeMajors, describeEachStandby } from '../postgres/each-major.ts';
import { LOGINS, openHowdah, runAs, useHowdah, type Howdah } from '../postgres/platform.ts';
import { withSeparateServer } from '../postgres/separate-server.ts';
import { untilCounted } from './counted.ts';

/** About four characters each. */
const TOKENS = 3000;

async function check(howdah: Howdah, input: Record<string, unknown> = {}): Promise<HealthAnswer> {
  return (await howdah.call('health_check', input)) as unknown as HealthAnswer;
}

/** All that a model reads of it. */
async function lengthOf(howdah: Howdah): Promise<number> {
  const outcome = await howdah.attempt('health_check');
  if (!outcome.ok) throw outcome.error;
  return JSON.stringify(outcome.output).length + renderBriefly(outcome.operation, outcome.output).length;
}

describeSomeMajors('health_check', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(clone);

  it.each(LOGINS)('names what is wrong with the fixture, for %s, in few tokens', async (login) => {
    const answer = await check(howdah(login), { detail: 'full' });
    expect(answer.grade).toBe('D');
    const found = answer.findings.map(({ tool, severity, object }) => [tool, severity, object]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['server_overview', 'critical', '"fsync"'],
        ['autovacuum_status', 'warning', '"bloat"."mostly_dead"'],
        ['invalid_indexes', 'warning', '"indexes"."broken_a"'],
      ]),
    );
    const severities = answer.findings.map(({ severity }) => ['critical', 'warning', 'notice'].indexOf(severity));
    expect(severities).toEqual(severities.toSorted((a, b) => a - b));
    expect(answer.areas).toMatchObject({ server: 'D', indexes: 'B', locks: 'A' });
    expect(await lengthOf(howdah(login))).toBeLessThan(TOKENS * 4);
  });

  it('leaves out what the persona may not call, and says so', async () => {
    const tools = { allow: ['class:diagnostic', 'class:schema'], deny: ['area:indexes'] };
    const narrow = await openHowdah(clone().monitorUrl, 'narrow', (config) => ({
      ...config,
      personas: { narrow: PersonaSpec.parse({ tools }) },
    }));
    const answer = await check(narrow, { detail: 'answers' });
    await narrow.close();
    expect(Object.keys(answer.areas)).not.toContain('indexes');
    expect(answer.answers?.map(({ tool }) => tool)).not.toContain('unused_indexes');
    expect(answer.skipped).toContainEqual({
      tools: expect.arrayContaining(['unused_indexes', 'invalid_indexes']),
      reason: 'The persona "narrow" does not allow them.',
    });
  });

  it('is limited to areas, and answers them alike each time', async () => {
    const input = { areas: ['tables', 'sequences'], detail: 'full' };
    const answer = await check(howdah('superuser'), input);
    expect(Object.keys(answer.areas)).toEqual(['tables', 'sequences']);
    const again = await check(howdah('superuser'), input);
    expect(again).toEqual(answer);
  });
});

describeEachStandby('health_check on a standby', (cluster) => {
  const clone = useClone(cluster);
  const standby = useHowdah(() => clone().standby ?? clone());

  it.each(LOGINS)('answers %s, in few tokens', async (login) => {
    await caughtUp(cluster);
    expect(await check(standby(login))).toMatchObject({ grade: 'D', server: 'default' });
    expect(await lengthOf(standby(login))).toBeLessThan(TOKENS * 4);
  });
});

describe('a server of its own', () => {
  it('in order has an A, no finding, and nothing invented', { timeout: 120_000 }, async () => {
    await withSeparateServer(SOUND, async (_, url) => {
      await runAs(url, 'drop extension if exists pg_stat_statements', 'create database orderly template template0');
      const orderly = url.replace('/postgres?', '/orderly?');
      await runAs(
        orderly,
        'create table customers (id bigint generated always as identity primary key, name text not null)',
        'create table orders (id bigint generated always as identity primary key, customer bigint not null references customers)',
        'create index on orders (customer)',
        `insert into customers (name) select 'customer ' || g from generate_series(1, 5000) g`,
        'insert into orders (customer) select 1 + g % 5000 from generate_series(1, 20000) g',
        `create role watcher login in role pg_monitor password '${PASSWORD}'`,
        'grant select on all sequences in schema public to watcher',
      );
      // rows that are counted only after VACUUM look as if they had come after it
      await untilCounted(orderly, `(select sum(n_tup_ins) >= 25000 from pg_stat_user_tables)`);
      await runAs(orderly, 'vacuum analyze');
      await untilCounted(orderly, `(select count(last_vacuum) >= 2 from pg_stat_user_tables)`);
      const howdah = await openHowdah(asRole(orderly, 'watcher'));
      try {
        const answer = await check(howdah, { detail: 'full' });
        expect(answer.findings).toEqual([]);
        expect(answer.grade).toBe('A');
        expect(new Set(Object.values(answer.areas))).toEqual(new Set(['A']));
        expect(answer.skipped.filter(({ reason }) => reason.includes('time'))).toEqual([]);
      } finally {
        await howdah.close();
      }
    });
  });

  it(
    'that a service manages is recognised, and what it forbids is said to be forbidden',
    { timeout: 120_000 },
    async () => {
      await withSeparateServer({ 'rds.extensions': 'pg_stat_statements', autovacuum: 'off' }, async (_, url) => {
        await runAs(url, `create role customer login password '${PASSWORD}'`);
        const howdah = await openHowdah(asRole(url, 'customer'));
        try {
          expect(await howdah.call('server_overview')).toMatchObject({ managed_service: 'Amazon RDS' });
          const { findings } = await check(howdah, { detail: 'full' });
          const advice = findings.flatMap(({ next_step }) => next_step ?? []).join('\n');
          expect(advice).not.toContain('ALTER SYSTEM');
        } finally {
          await howdah.close();
        }
      });
    },
  );
});

const PASSWORD = 'for_this_test_alone';

function asRole(url: string, role: string): string {
  return url.replace('user=postgres', `user=${role}&password=${PASSWORD}`);
}

/** As a careful administrator would have it. */
const SOUND = {
  autovacuum: 'on',
  fsync: 'on',
  full_page_writes: 'on',
  jit: 'on',
  shared_preload_libraries: '',
};
