/** No object that somebody planted runs with the rights of our login. */
import { expect, it } from 'vitest';
import { tools } from '../../src/tools/all-tools.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs, useHowdah } from '../postgres/platform.ts';
import { inputFor, isAnswer } from './tool-inputs.ts';

const raises = (signature: string, returns: string) =>
  `create function public.${signature} returns ${returns} language plpgsql as $$ begin raise exception 'a planted function ran'; end $$`;

/** Better matches for unqualified calls than what pg_catalog has, or in front of it on the path. */
const FUNCTIONS = [
  raises('pg_total_relation_size(text)', 'bigint'),
  raises('pg_total_relation_size(oid)', 'bigint'),
  raises('pg_relation_size(oid)', 'bigint'),
  raises('pg_table_size(oid)', 'bigint'),
  raises('pg_indexes_size(oid)', 'bigint'),
  raises('pg_database_size(oid)', 'bigint'),
  raises('pg_get_userbyid(oid)', 'text'),
  raises('pg_blocking_pids(integer)', 'integer[]'),
  raises('pg_is_in_recovery()', 'boolean'),
  raises('current_setting(text)', 'text'),
  raises('obj_description(oid, text)', 'text'),
  raises('lower(text)', 'text'),
  raises('replace(text, text, text)', 'text'),
  raises('round(numeric, integer)', 'numeric'),
  raises('count()', 'bigint'),
  raises('unnest(smallint[])', 'setof smallint'),
  raises('age(xid)', 'integer'),
  raises('host(inet)', 'text'),
  raises('pg_get_expr(text, oid)', 'text'),
  raises('pg_stat_get_numscans(oid)', 'bigint'),
  raises('pg_stat_get_dead_tuples(oid)', 'bigint'),
  raises('pgstattuple(regclass)', 'text'),
  raises('pgstatindex(regclass)', 'text'),
  raises('mxid_age(xid)', 'integer'),
  raises('has_column_privilege(oid, smallint, text)', 'boolean'),
  raises('same(name, text)', 'boolean'),
  raises('same(oid, oid)', 'boolean'),
];
const OTHERS = [
  'create operator public.= (leftarg = name, rightarg = text, function = public.same)',
  'create operator public.= (leftarg = oid, rightarg = oid, function = public.same)',
  ...[
    'pg_class',
    'pg_locks',
    'pg_stat_activity',
    'pg_database',
    'pg_index',
    'pg_settings',
    'pg_extension',
    'pg_stats',
    'pg_prepared_xacts',
  ].map((name) => `create view public.${name} as select 1 / 0 as planted`),
  'create domain public.bigint as text check (false)',
  'create domain public.text as pg_catalog.text check (false)',
];

describeSomeMajors('planted objects', (cluster) => {
  const clone = useClone(cluster);
  const howdah = useHowdah(() => clone());

  it.each(['superuser', 'plain'] as const)('are not run by any tool, for %s', async (login) => {
    if (login === 'superuser') {
      await runAs(clone().superuserUrl, ...FUNCTIONS, ...OTHERS);
      await runAs(clone().superuserUrl, `alter database ${clone().name} set search_path = public, pg_catalog`);
    }
    const calls: [string, Record<string, unknown>][] = [
      ['server_overview', {}],
      ['list_tables', { name: 'order' }],
      ['describe_table', { table: 'shop.Order' }],
      ['describe_table', { table: 'measurements' }],
      ['activity', { idle: true, background: true }],
      ['blocking_tree', {}],
      ['list_databases', { sort: 'size' }],
      ['replication_status', {}],
      ['top_statements', {}],
      ['unused_indexes', { min_size: 0 }],
      ['table_sizes', { name: 'order' }],
      ['autovacuum_status', { name: 'order' }],
      ['settings', { name: 'work_mem' }],
      ['table_statistics', { include_system: true }],
      ['hot_updates', {}],
      ['sequential_scans', {}],
      ['stale_statistics', {}],
      ['vacuum_history', { hours_back: 1 }],
      ['wraparound', {}],
      ['xmin_holders', {}],
      ['table_bloat', { min_size: 0, exact: true }],
      ['index_bloat', { min_size: 0, exact: true }],
      ['schema_bloat', {}],
      ['index_usage', {}],
    ];
    calls.push(...tools.map(({ name }): [string, Record<string, unknown>] => [name, { ...inputFor(name) }]));
    for (const [tool, input] of calls) {
      const outcome = await howdah(login).attempt(tool, input);
      expect({ tool, outcome: isAnswer(outcome) || outcome }).toEqual({ tool, outcome: true });
      expect(JSON.stringify(outcome)).not.toContain('a planted function ran');
    }
  });

  it('would run without a path of our own', async () => {
    await expect(runAs(clone().superuserUrl, 'select round(1.5, 1)')).rejects.toThrow('a planted function ran');
  });
});
