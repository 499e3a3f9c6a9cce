import { z } from 'zod';
import {
  closedLast,
  byServerVersion,
  definePart,
  defineTool,
  hasPrivilege,
  limitInput,
  param,
  sql,
  statementsOf,
  tellWithheld,
  readShown,
} from '../kit/index.ts';

const instead =
  'Before that a process waits for each read: io_statistics has how long (16 on), activity who waits now.';

const settings = definePart({
  what: 'the settings of asynchronous I/O',
  subject: 'asynchronous_io',
  instead,
  row: {
    io_method: z.string().describe('worker, io_uring or sync.'),
    io_workers: z.int(),
    running_workers: z.int().min(0).nullable(),
    busy_workers: z.int().min(0).nullable().describe('Of the method worker, at this moment.'),
    io_max_concurrency: z.int().describe('Operations that one process may have under way.'),
    io_combine_limit: z.int().meta({ unit: 'bytes' }).describe('Of one operation; io_max_combine_limit is above it.'),
    io_max_combine_limit: z.int().meta({ unit: 'bytes' }),
    effective_io_concurrency: z.int(),
    maintenance_io_concurrency: z.int(),
  },
  sql: byServerVersion({
    18: sql`
      select s.io_method, s.io_workers, w.running_workers, w.busy_workers, s.io_max_concurrency,
             s.io_combine_limit * s.block_size as io_combine_limit, s.io_max_combine_limit * s.block_size as io_max_combine_limit,
             s.effective_io_concurrency, s.maintenance_io_concurrency
        from (
          select pg_catalog.max(o.setting) filter (where o.name = 'io_method') as io_method,
                 (pg_catalog.max(o.setting) filter (where o.name = 'io_workers'))::integer as io_workers,
                 (pg_catalog.max(o.setting) filter (where o.name = 'io_max_concurrency'))::integer as io_max_concurrency,
                 (pg_catalog.max(o.setting) filter (where o.name = 'io_combine_limit'))::bigint as io_combine_limit,
                 (pg_catalog.max(o.setting) filter (where o.name = 'io_max_combine_limit'))::bigint as io_max_combine_limit,
                 (pg_catalog.max(o.setting) filter (where o.name = 'effective_io_concurrency'))::integer as effective_io_concurrency,
                 (pg_catalog.max(o.setting) filter (where o.name = 'maintenance_io_concurrency'))::integer as maintenance_io_concurrency,
                 pg_catalog.current_setting('block_size')::bigint as block_size
            from pg_catalog.pg_settings o
        ) s
        left join (
         select pg_catalog.count(*) as running_workers, pg_catalog.count(*) filter (where a.wait_event is distinct from 'IoWorkerMain') as busy_workers
           from pg_catalog.pg_stat_activity a
          where a.backend_type = 'io worker'
       ) w on ${param('is_visible')}::boolean`,
  }),
});

const handles = definePart({
  what: 'operations under way',
  subject: 'asynchronous_io',
  instead,
  row: {
    pid: z.int(),
    backend_type: z.string().nullable(),
    user: z.string().nullable(),
    database: z.string().nullable().meta({ names: 'database' }),
    state: z.string().describe('https://www.postgresql.org/docs/current/view-pg-aios.html'),
    operation: z.string().nullable(),
    target: z.string().nullable(),
    target_desc: z.string().nullable(),
    offset: z.number().nullable().meta({ unit: 'bytes' }),
    length: z.number().nullable().meta({ unit: 'bytes' }),
    result: z.string().nullable(),
    synchronous: z.boolean().nullable(),
    total_rows: z.int().min(0),
  },
  sql: byServerVersion({
    18: sql`
      select i.pid, a.backend_type, a.usename as user, a.datname as database, i.state, i.operation, i.target, i.target_desc,
             i.off as offset, i.length, i.result, i.f_sync as synchronous, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_aios i
        left join pg_catalog.pg_stat_activity a on a.pid = i.pid
       order by ${closedLast(sql`a.datname`)}, i.pid, i.io_id
       limit ${param('limit')}`,
  }),
});

const PARTS = { settings, handles };
const SEES = { what: 'workers, and operations under way', privilege: 'pg_read_all_stats' } as const;
const NOTHING = { rows: [], withheld: 0 };
const row = handles.shape.omit({ total_rows: true });

export default defineTool({
  name: 'asynchronous_io',
  area: 'io',
  title: 'Asynchronous I/O',
  description: 'How PostgreSQL 18 reads ahead: method, workers, limits, and the operations under way now.',
  alsoKnownAs: { get_async_io_status: { database_name: 'database' } },
  clusterWide: true,
  judges: false,
  input: { limit: limitInput() },
  sees: [SEES],
  output: {
    settings: settings.shape,
    rows: z.array(row),
    truncated: z.boolean(),
    total: z.int().min(0).optional(),
  },
  statements: statementsOf(PARTS),
  async run({ limit }, target, { persona }) {
    const { facts, about, read } = await target.readOnly(
      async (session) => {
        const is_visible = hasPrivilege(session.facts.role, SEES.privilege);
        return {
          facts: session.facts,
          about: await settings.read(session, { is_visible }),
          read: is_visible ? await readShown(target, handles, session, { limit: limit + 1 }) : NOTHING,
        };
      },
      { snapshot: true },
    );
    const [values] = about;
    if (!values) throw new Error('aggregates have one row');
    const { rows: shown, withheld } = read;
    return {
      settings: values,
      rows: shown.slice(0, limit).map((each) => row.parse(each)),
      truncated: shown.length > limit,
      ...(withheld === 0 && { total: shown[0]?.total_rows ?? 0 }),
      facts,
      findings: [],
      not_examined: tellWithheld(withheld, persona.name),
    };
  },
});
