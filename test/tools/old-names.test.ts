/** What calls by the names of the predecessor, with its arguments, get told: what they were told there, or better. */
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tools } from '../../src/tools/all-tools.ts';
import { useClone } from '../postgres/clone.ts';
import { describeSomeMajors } from '../postgres/each-major.ts';
import { runAs, withSession } from '../postgres/platform.ts';
import { startStatement } from '../postgres/sessions.ts';
import { createStdioPlace, type StdioPlace } from '../stdio-process.ts';
import { untilCounted } from './counted.ts';

type Facts = Readonly<Record<string, unknown>>;

interface OldCall {
  readonly input?: Facts;
  /** Each is found in one object somewhere in the answer. */
  readonly told: readonly Facts[];
}

const number: unknown = expect.any(Number);
const text: unknown = expect.any(String);
const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);

/** What is asked of the fixture, and the parts of the old answers. */
function oldCalls(database: string, major: number): Readonly<Record<string, OldCall>> {
  const here = { database_name: database };
  const since = (first: number, facts: Facts): Facts => (major >= first ? facts : {});
  const dead = { schema: 'bloat', table: 'mostly_dead' };
  return {
    get_server_info: {
      told: [
        { version: expect.stringMatching(new RegExp(`^${major}\\.`)), major },
        { extension: 'pg_stat_statements', version: text },
        { database },
        { user: 'postgres' },
      ],
    },
    get_current_database_info: {
      input: here,
      told: [{ database, size: number, encoding: 'UTF8', collation: 'C', connection_limit: null }],
    },
    get_postgresql_config: {
      input: { config_name: 'work_mem' },
      told: [
        {
          name: 'work_mem',
          setting: '4096',
          unit: 'kB',
          category: text,
          description: text,
          context: 'user',
          type: 'integer',
          source: 'default',
          min: '64',
          max: text,
          default: '4MB',
        },
      ],
    },
    get_user_list: {
      told: [{ role: 'monitor', oid: number, login: true, attributes: [], connection_limit: null, valid_until: null }],
    },
    get_active_connections: {
      told: [
        {
          pid: number,
          user: 'postgres',
          database,
          client_address: text,
          state: 'active',
          statement_s: number,
          statement: 'VACUUM bloat.mostly_dead',
        },
      ],
    },
    get_prompt_template: {
      input: { mode: 'headings' },
      told: [
        { number: 1, area: 'server' },
        { number: 5, area: 'statements' },
      ],
    },
    get_database_list: {
      told: [{ database, owner: 'postgres', encoding: 'UTF8', connection_limit: null, size: number }],
    },
    get_table_list: {
      input: here,
      told: [{ schema: 'indexes', table: 'events', owner: 'postgres', size: number }, { total: number }],
    },
    get_table_schema_info: {
      input: { ...here, table_name: 'Order', schema_name: 'shop' },
      told: [
        { schema: 'shop', table: 'Order', kind: 'table', rows: 4000, size: number },
        { column: 'status', type: 'shop.order_status', nullable: false, default: expect.stringContaining("'new'") },
        { constraint: 'Order_pkey', type: 'primary key', columns: ['id'] },
        { index: 'order_customer', definition: expect.stringContaining('(customer_id)') },
      ],
    },
    get_database_schema_info: {
      input: { ...here, schema_name: 'shop' },
      told: [
        {
          schema: 'shop',
          owner: 'postgres',
          tables: 3,
          views: 1,
          functions: 4,
          size: number,
          comment: 'Orders and who placed them',
        },
        { kind: 'table', name: 'customers', owner: 'postgres' },
        { kind: 'view', name: 'paid_orders' },
        { kind: 'function', name: expect.stringContaining('order_total') },
      ],
    },
    get_table_relationships: {
      input: { ...here, table_name: 'Order', schema_name: 'shop', relationship_type: 'all' },
      told: [
        { kind: 'foreign_key', table: 'Order', referenced_table: 'customers', columns: ['customer_id'] },
        { kind: 'foreign_key', table: 'order_lines', referenced_table: 'Order', on_delete: 'cascade' },
        { table: 'paid_orders', referenced_table: 'Order' },
      ],
    },
    get_pg_stat_statements_top_queries: {
      input: { ...here, limit: 100 },
      told: [
        {
          query_id: text,
          statement: text,
          calls: number,
          rows: number,
          total_ms: number,
          mean_ms: number,
          max_ms: number,
          hit_percent: number,
          read_size: number,
          temp_size: number,
        },
      ],
    },
    // of another predecessor
    analyze_query_indexes: {
      input: { queries: [`select * from shop."Order" where net > 5 and status = 'new'`] },
      told: [{ schema: 'shop', table: 'Order', definition: expect.stringMatching(/^CREATE INDEX ON/), proven: false }],
    },
    analyze_workload_indexes: { told: [{ statement: text, calls: number, total_ms: number }] },
    get_database_size_info: { told: [{ database, size: number }, { total_size: number }] },
    get_table_size_info: {
      input: { ...here, schema_name: 'shop' },
      told: [
        { schema: 'shop', table: 'Order', size: number, table_size: number, index_size: number, toast_size: number },
      ],
    },
    get_index_usage_stats: {
      input: here,
      told: [
        {
          table: 'events',
          index: 'events_used',
          idx_scan: number,
          idx_tup_read: number,
          idx_tup_fetch: number,
          size: number,
        },
      ],
    },
    get_vacuum_analyze_stats: {
      input: { ...here, limit: 100 },
      told: [
        {
          ...dead,
          last_vacuum: null,
          last_autovacuum: null,
          last_analyze: time,
          vacuum_count: 0,
          autovacuum_count: 0,
          analyze_count: 1,
          ...since(18, { total_vacuum_time: 0, total_analyze_time: number }),
        },
      ],
    },
    get_table_bloat_analysis: {
      input: { ...here, schema_name: 'bloat', table_pattern: 'mostly%', min_dead_tuples: 1, limit: 20 },
      told: [{ ...dead, dead_rows: 18_000, size: number, wasted_percent: number }],
    },
    get_database_bloat_overview: {
      input: { ...here, limit: 50 },
      told: [{ schema: 'bloat', tables: 1, dead_rows: 18_000, dead_percent: 90, size: number, wasted: number }],
    },
    get_autovacuum_status: {
      input: { ...here, schema_name: 'bloat', table_pattern: 'mostly%', limit: 50 },
      told: [
        { ...dead, dead_rows: 18_000 },
        { autovacuum: false, naptime_s: number },
      ],
    },
    get_autovacuum_activity: {
      input: { ...here, schema_name: 'bloat', hours_back: 24, limit: 50 },
      told: [{ ...dead, autovacuum_count: 0, hours_since_vacuum: null, hours_since_analyze: number }],
    },
    get_running_vacuum_operations: {
      input: here,
      told: [{ command: 'VACUUM', schema: 'bloat', table: 'mostly_dead', phase: text, pid: number }],
    },
    get_vacuum_effectiveness_analysis: {
      input: { ...here, schema_name: 'bloat', limit: 30 },
      told: [{ ...dead, writes_per_vacuum: null, dead_rows: 18_000, dead_rows_at: number, hindered_by: text }],
    },
    get_all_tables_stats: {
      input: { ...here, include_system: true },
      told: [
        {
          schema: 'pg_catalog',
          table: 'pg_class',
          seq_scan: number,
          idx_scan: number,
          n_tup_ins: number,
          n_live_tup: number,
          n_dead_tup: number,
          ...since(13, { n_ins_since_vacuum: number }),
        },
      ],
    },
    get_lock_monitoring: {
      input: { ...here, granted: 'true', mode: 'ShareUpdateExclusiveLock', username: 'postgres' },
      told: [
        {
          pid: number,
          user: 'postgres',
          locktype: 'relation',
          mode: 'ShareUpdateExclusiveLock',
          granted: true,
          relation: 'mostly_dead',
          statement: 'VACUUM bloat.mostly_dead',
        },
      ],
    },
    get_wait_events: {
      input: { ...here, wait_event_type: 'Activity' },
      told: [
        {
          wait_event_type: 'Activity',
          wait_event: 'CheckpointerMain',
          sessions: 1,
          pids: [number],
          ...since(17, { description: text }),
        },
      ],
    },
    get_database_stats: {
      told: [
        {
          database,
          commits: number,
          rollback_percent: number,
          hit_percent: number,
          temp_files: number,
          deadlocks: number,
          ...since(18, { checksum_failures: number }), // the servers before have no checksums
          read_ms: number,
        },
        ...(major >= 14 ? [{ database, sessions: number }] : []),
      ],
    },
    get_bgwriter_stats: {
      told: [
        { timed: number, requested: number, requested_percent: number, write_ms: number, sync_ms: number },
        { buffers_clean: number, maxwritten_clean: number, buffers_alloc: number },
      ],
    },
    get_io_stats: {
      input: { ...here, limit: 100 },
      told: [{ hit_percent: number, reads: number, hits: number }],
    },
    get_table_io_stats: {
      input: { ...here, schema_name: 'indexes' },
      told: [{ table: 'events', heap_blks_read: number, heap_hit_percent: number, idx_blks_read: number }],
    },
    get_index_io_stats: {
      input: { ...here, schema_name: 'indexes' },
      told: [{ index: 'events_used', idx_blks_read: number, idx_blks_hit: number, hit_percent: number }],
    },
    get_user_functions_stats: {
      input: here,
      told: [
        { schema: 'shop', function: expect.stringContaining('touch'), calls: 1, total_ms: number, self_ms: number },
      ],
    },
    get_database_conflicts_stats: {
      input: here,
      told: [{ database, tablespace: 0, lock: 0, snapshot: 0, buffer_pin: 0, deadlock: 0, total: 0 }],
    },
    get_wal_status: {
      told: [
        { wal_lsn: text, wal_file: text },
        { mode: 'off', archived: 0, failed: 0 },
        { wal_level: 'logical', max_wal_size: text, min_wal_size: text },
      ],
    },
    get_replication_status: {
      told: [
        { application: 'standby', state: 'streaming', sync_state: 'async', lag_size: number },
        { slot: 'standby', type: 'physical', active: true, retained_size: number },
      ],
    },
    ...(major >= 17 && {
      get_wal_summarizer_status: {
        input: here,
        told: [{ summarize_wal: false, wal_summary_keep_time: '10d', summarizer_pid: null }],
      },
    }),
    ...(major >= 18 && {
      get_async_io_status: {
        input: here,
        told: [{ io_method: text, io_workers: number, effective_io_concurrency: 16 }],
      },
      get_per_backend_io_stats: {
        input: { ...here, limit: 100 },
        told: [{ pid: number, backend_type: 'walsender', reads: number, wal_records: number, wal_bytes: number }],
      },
    }),
  };
}

/** Of an extension or a version that the server does not have; the answer says which. */
function unsupportedCalls(major: number): Readonly<Record<string, string>> {
  return {
    get_pg_stat_monitor_recent_queries: 'pg_stat_monitor',
    ...(major < 17 && { get_wal_summarizer_status: 'PostgreSQL 17' }),
    ...(major < 18 && { get_async_io_status: 'PostgreSQL 18', get_per_backend_io_stats: 'PostgreSQL 18' }),
  };
}

function objectsIn(value: unknown): Facts[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [value as Facts, ...inside];
}

describeSomeMajors('the names of the predecessor', (cluster) => {
  const clone = useClone(cluster);
  const client = new Client({ name: 'an old prompt', version: '1' });
  let place: StdioPlace;

  beforeAll(async () => {
    const url = clone().superuserUrl;
    await runAs(url, `set track_functions = 'all'`, `update shop.customers set name = name where id = 1`);
    await untilCounted(url, `exists (select from pg_stat_user_functions where funcname = 'touch')`);
    place = createStdioPlace(url);
    await client.connect(new StdioClientTransport({ ...place, stderr: 'ignore' }));
  });
  afterAll(async () => {
    await client.close();
    place.remove();
  });

  async function ask(name: string, input: Facts = {}): Promise<Facts> {
    const { isError = false, content, structuredContent } = await client.callTool({ name, arguments: { ...input } });
    return { isError, content, ...(structuredContent as Facts) };
  }

  it('get what they got there, while VACUUM runs', async () => {
    await withSession(clone().superuserUrl, async (session) => {
      await session.query('set vacuum_cost_delay = 100; set vacuum_cost_limit = 1');
      startStatement(session, 'VACUUM bloat.mostly_dead');
      await untilCounted(
        clone().superuserUrl,
        `exists (select from pg_stat_progress_vacuum where datname = current_database())`,
      );
      const missing: Record<string, unknown> = {};
      for (const [name, { input, told }] of Object.entries(oldCalls(clone().name, cluster.major))) {
        const answer = await ask(name, input);
        const objects = objectsIn(answer);
        const lost = told.filter(
          (facts) => !objects.some((each) => expect.objectContaining(facts).asymmetricMatch(each)),
        );
        if (answer['isError'] === true) missing[name] = answer['content'];
        else if (lost.length > 0) missing[name] = lost;
      }
      await runAs(clone().superuserUrl, `select pg_cancel_backend(pid) from pg_stat_progress_vacuum`);
      expect(missing).toEqual({});
    });
  });

  it('say what is not there', async () => {
    for (const [name, wanted] of Object.entries(unsupportedCalls(cluster.major))) {
      const answer = await ask(name, { database_name: clone().name });
      expect({ name, answer }).toMatchObject({
        answer: { isError: true, content: [{ text: expect.stringContaining(wanted) }] },
      });
    }
  });

  it('are all asked here', () => {
    const asked = { ...oldCalls('', cluster.major), ...unsupportedCalls(cluster.major) };
    const known = tools.flatMap(({ alsoKnownAs }) => Object.keys(alsoKnownAs));
    expect(Object.keys(asked).toSorted()).toEqual(known.toSorted());
    expect(known).toHaveLength(40);
  });
});
