/** What the data rules of a persona hide is in no answer of any tool, resource or completion. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CallOutcome } from '../../src/calls/execute.ts';
import { renderAnswer } from '../../src/render/answer.ts';
import { tools } from '../../src/tools/all-tools.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { LOGINS, openHowdah, withSession, type Howdah, type Login } from '../postgres/platform.ts';
import { startStatement, useClusterAlone, waitingForLock, withSessions } from '../postgres/sessions.ts';
import { openRuledHowdah, plantHidden, SECRET } from './hidden-fixture.ts';
import { inputFor, isAnswer } from './tool-inputs.ts';

/** All that reaches a caller. */
function shown(outcome: CallOutcome): string {
  if (!outcome.ok) return JSON.stringify(outcome.error);
  return `${JSON.stringify(outcome.output)}\n${renderAnswer(outcome.operation, outcome.output)}`;
}

/** Each place in what was shown where something hidden stands. */
function leaksIn(text: string): string[] {
  return [...text.matchAll(new RegExp(SECRET, 'gi'))].map(({ index }) =>
    text.slice(Math.max(0, index - 80), index + 40),
  );
}

const CALLS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ...tools.map(
    ({ name, input }) => [name, { ...inputFor(name), ...('limit' in input.shape && { limit: 100 }) }] as const,
  ),
  ...[
    'shop.customers',
    'tapir.tapir_orders',
    'tapir.tapir_pay',
    'tapir.tapir_sums',
    'tapir.region',
    'tapir.region_a',
    'tapir.tapir_mails',
    'tapir.tapir_pins',
    'tapir.counted',
  ].map((table) => ['describe_table', { table }] as const),
  ...['', 'sekrit', 'kiwi', 'pay', 'ledger', 'vault', 'pin', 'mail', 'value', 'mood', 'region', 'audit'].map(
    (query) => ['search_schema', { query, limit: 100 }] as const,
  ),
  ['search_schema', { query: 'orders', schema: 'tapir' }],
  ['search_schema', { schema: 'sekrit_vault' }],
  ...['shop.customers', 'tapir.tapir_orders', 'tapir.region', 'tapir.tapir_mails'].flatMap((table) =>
    [false, true].map((random) => ['sample_rows', { table, random }] as const),
  ),
  ['describe_table', {}],
  ['describe_table', { schema: 'tapir' }],
  ['list_schemas', { schema: 'shop', limit: 200 }],
  ['list_schemas', { schema: 'tapir', limit: 200 }],
  ['list_functions', { limit: 200 }],
  ['partitions', { table: 'tapir.region' }],
  ['foreign_keys', { table: 'tapir.tapir_orders' }],
  ['foreign_keys', { table: 'tapir.tapir_orders', depth: 5, limit: 200 }],
  ['privileges', { table: 'shop.customers' }],
  ['privileges', { schema: 'shop' }],
  ['activity', { idle: true, background: true }],
  ['long_transactions', { min_age_s: 0 }],
  ['table_sizes', { min_size: 0, limit: 200 }],
  ['unused_indexes', { min_size: 0, limit: 200 }],
  ['table_bloat', { min_size: 0, exact: true, limit: 200 }],
  ['index_bloat', { min_size: 0, exact: true, limit: 200 }],
  ['sequence_exhaustion', { warn_percent: 1, limit: 200 }],
  ['autovacuum_status', { overdue_percent: 100, min_rows: 1, limit: 200 }],
  ['top_statements', { limit: 500, of_database: 'x' }],
  ['health_check', { detail: 'answers' }],
];

/** Of the neighbours of what is hidden. */
const VISIBLE = [
  'tapir_orders',
  'tapir_bought_again',
  'wombat_mail',
  'wombat_partial',
  'wombat_policy',
  'tapir_pay',
  'tapir_publication',
  'region_a',
];

/** Tools whose answers would hold something hidden, without the rules. */
const TELLING = [
  'activity',
  'autovacuum_status',
  'blocking_tree',
  'describe_table',
  'duplicate_indexes',
  'foreign_keys',
  'health_check',
  'index_bloat',
  'index_usage',
  'invalid_indexes',
  'list_functions',
  'list_schemas',
  'list_sequences',
  'list_tables',
  'locks',
  'partitions',
  'privileges',
  'publications',
  'row_security',
  'search_schema',
  'security_audit',
  'security_definer_functions',
  'sequence_exhaustion',
  'settings',
  'table_bloat',
  'table_sizes',
  'tables_without_primary_key',
  'top_statements',
  'unused_indexes',
  'unvalidated_constraints',
];

describeSomeMajors('data rules', (cluster) => {
  useClusterAlone(cluster);
  const clone = useClone(cluster);
  const howdahs = new Map<Login | 'unruled', Howdah>();
  const howdah = (login: Login | 'unruled'): Howdah => {
    const open = howdahs.get(login);
    if (open === undefined) throw new Error('it is opened in beforeAll');
    return open;
  };
  beforeAll(async () => {
    await plantHidden(clone().superuserUrl);
    for (const login of LOGINS) howdahs.set(login, await openRuledHowdah(clone()[`${login}Url`]));
    howdahs.set('unruled', await openHowdah(clone().superuserUrl));
  }, 120_000);
  afterAll(async () => {
    for (const open of howdahs.values()) await open.close();
  });

  /** What each call shows while sessions wait for a lock on a hidden table. */
  async function showAll(login: Login | 'unruled'): Promise<Map<string, string>> {
    const { superuserUrl } = clone();
    const all = new Map<string, string>();
    await withSessions([superuserUrl, superuserUrl], async ([holder, waiter], pids) => {
      await holder?.query('begin');
      await holder?.query('lock table sekrit_vault.sekrit_pay in access exclusive mode');
      startStatement(waiter, 'select count(*) from sekrit_vault.sekrit_pay');
      await withSession(superuserUrl, (observer) => waitingForLock(observer, pids[1] ?? 0));
      for (const [tool, input] of CALLS) {
        const outcome = await howdah(login).attempt(tool, input);
        const call = `${tool} ${JSON.stringify(input)}`;
        // a login of few rights may not read a table, and the guard refuses what shows hidden things
        const refusals = tool === 'sample_rows' ? ['NOT_FOUND', 'QUERY_FAILED', 'SQL_REJECTED'] : ['NOT_FOUND'];
        const isExpected = isAnswer(outcome) || (!outcome.ok && refusals.includes(outcome.error.code));
        expect({ call, outcome: isExpected || outcome }).toEqual({ call, outcome: true });
        all.set(call, shown(outcome));
      }
    });
    return all;
  }

  it.each(LOGINS)('hide everything that they name from every tool, for %s', { timeout: 300_000 }, async (login) => {
    const all = await showAll(login);
    const leaks = [...all].flatMap(([call, text]) => leaksIn(text).map((leak) => `${call}: ${leak}`));
    expect(leaks).toEqual([]);
    const text = [...all.values()].join('\n');
    for (const neighbour of VISIBLE) expect(text).toContain(neighbour);
  });

  it('hide what every one of these tools would show', { timeout: 300_000 }, async () => {
    const all = await showAll('unruled');
    const telling = new Set([...all].flatMap(([call, text]) => (leaksIn(text).length > 0 ? [call.split(' ')[0]] : [])));
    expect([...telling]).toEqual(expect.arrayContaining(TELLING));
  });

  it('make a hidden table one that is not there', async () => {
    const monitor = howdah('monitor');
    const refusal = async (table: string) => {
      const outcome = await monitor.attempt('describe_table', { table });
      return outcome.ok ? 'found' : JSON.stringify(outcome.error).replaceAll(table, 'X');
    };
    for (const [hidden, absent] of [
      ['shop.sekrit_ledger', 'shop.zzzzzzzz_zzzzzz'],
      ['sekrit_vault.sekrit_pay', 'zzzzzzzz_zzzz.zzzzzzzz'],
      ['tapir.kiwi_heir', 'tapir.zzzzzzzzz'],
    ] as const) {
      expect(await refusal(hidden)).toBe(await refusal(absent));
    }
    for (const schema of ['sekrit_vault', 'zzzzzz_zzzzz']) {
      const outcome = await monitor.attempt('list_schemas', { schema });
      expect(outcome).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    }
  });

  it('are not counted where a list of a table ends', async () => {
    for (const table of ['shop.customers', 'tapir.tapir_orders', 'tapir.region']) {
      const whole = await howdah('monitor').call('describe_table', { table });
      for (const limit of [1, 2, 3]) {
        const cut = await howdah('monitor').call('describe_table', { table, limit });
        for (const list of ['partitions', 'referenced_by', 'dependents']) {
          const shown = cut[list] as unknown[];
          expect(shown).toEqual((whole[list] as unknown[]).slice(0, limit));
          expect(cut['relation']).toMatchObject({ [list]: shown.length });
          const said = (cut.not_examined ?? []).some(({ what }) => what === `perhaps more of ${list}`);
          expect(said).toBe(shown.length === limit);
        }
      }
    }
    const unruled = await howdah('unruled').call('describe_table', { table: 'shop.customers', limit: 1 });
    expect(JSON.stringify(unruled.not_examined)).toMatch(/\d more of/);
  });

  it('spend no limit on what is hidden, and count none of it', async () => {
    const monitor = howdah('monitor');
    const largest = async (login: Login | 'unruled') =>
      (await howdah(login).call('list_tables', { limit: 1, schema: 'shop' })).rows.map(({ table }) => table);
    expect(await largest('unruled')).toEqual(['sekrit_ledger']);
    expect(await largest('monitor')).toEqual(['order_lines']);
    const first = await monitor.call('list_tables', { limit: 1 });
    expect(first.rows).toHaveLength(1);
    expect(first).not.toHaveProperty('total');
    expect(first['about']).toMatchObject({ total_size: null });
    const all = await monitor.call('list_tables', { limit: 500 });
    expect(all.truncated).toBe(false);
    expect(all.not_examined).toContainEqual({
      what: expect.stringMatching(/^\d+ rows? (and \d+ texts? )?about hidden schemas, tables or columns$/),
      reason: 'The data rules of the persona "ruled" hide them.',
    });
    const schemas = await monitor.call('list_schemas', { limit: 500 });
    expect(schemas.total).toBe(schemas.rows.length);
  });

  it('do not tell by a count whether a name is one of those', async () => {
    const monitor = howdah('monitor');
    const [hidden, absent] = [
      await monitor.call('list_tables', { name: 'sekrit_led*' }),
      await monitor.call('list_tables', { name: 'zzzzzz_zzz*' }),
    ];
    expect(hidden).toEqual(absent);
    expect(hidden.rows).toEqual([]);
  });

  it('hide it from resources and completion', async () => {
    const monitor = howdah('monitor');
    const { name: database } = clone();
    const complete = async (variable: string, prefix: string, more = {}) => {
      const outcome = await monitor.attempt('completion/complete/database', { variable, prefix, ...more });
      return outcome.ok ? outcome.output : outcome.error;
    };
    const none = { completion: { values: [], hasMore: false, total: 0 } };
    expect(await complete('schema', 'sekrit')).toEqual(none);
    expect(await complete('table', 'sekrit')).toEqual(none);
    expect(await complete('table', 'kiwi')).toEqual(none);
    expect(await complete('table', '', { schema: 'sekrit_vault' })).toEqual(none);
    expect(await complete('table', 'tapir_o', { schema: 'tapir' })).toMatchObject({
      completion: { values: ['tapir_orders'] },
    });
    const read = (schema: string, table: string) =>
      monitor.attempt('resources/read/table', {
        uri: `pg://default/${database}/${schema}/${table}`,
        server: 'default',
        database,
        schema,
        table,
      });
    const visible = await read('shop', 'customers');
    expect(visible.ok || visible.error).toBe(true);
    expect(leaksIn(shown(visible))).toEqual([]);
    const [hidden, absent] = [await read('shop', 'sekrit_ledger'), await read('shop', 'zzzzzzzz_zzzzzz')];
    expect(hidden).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    expect(absent).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
  });
});
