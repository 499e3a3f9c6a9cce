import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  defineTool,
  param,
  readParts,
  sql,
  statementsOf,
  type NotExamined,
  type Sql,
} from '../kit/index.ts';
import { withGrant } from './allocations.ts';
import { boundsOf, memoryBound, workMemory } from './work-memory.ts';

const bytes = z.int().min(0).meta({ unit: 'bytes' });

/** Contexts of one name and parent are many, as one for each index of which a session knows. */
const contextsWith = (named: Sql) => sql`
      with contexts as materialized (
        select * from pg_catalog.pg_backend_memory_contexts
      ),
      named as (${named}
      )
      select n.name, n.parent, pg_catalog.count(*) as contexts, pg_catalog.sum(n.total_bytes)::bigint as total_bytes,
             pg_catalog.sum(n.used_bytes)::bigint as used_bytes, pg_catalog.sum(n.free_bytes)::bigint as free_bytes,
             (pg_catalog.sum(pg_catalog.sum(n.total_bytes)) over ())::bigint as all_bytes, pg_catalog.count(*) over () as total_rows
        from named n
       group by n.name, n.parent
       order by total_bytes desc, n.name, n.parent
       limit ${param('limit')}`;

/** https://www.postgresql.org/docs/current/view-pg-backend-memory-contexts.html */
const memoryContexts = definePart({
  what: 'memory contexts of our own session',
  row: {
    name: z.string(),
    parent: z.string().nullable(),
    contexts: z.int().min(1),
    total_bytes: bytes,
    used_bytes: bytes,
    free_bytes: bytes,
    all_bytes: bytes,
    total_rows: z.int(),
  },
  sql: byServerVersion({
    14: contextsWith(sql`
        select c.name, c.parent, c.total_bytes, c.used_bytes, c.free_bytes from contexts c`),
    // the path ends with the context itself, before which its parent stands
    18: contextsWith(sql`
        select c.name, o.name as parent, c.total_bytes, c.used_bytes, c.free_bytes
          from contexts c
          left join contexts o on o.path[pg_catalog.cardinality(o.path)] = c.path[pg_catalog.cardinality(c.path) - 1]`),
  }),
});

const PARTS = { workMemory, memoryContexts };

export default defineTool({
  name: 'backend_memory',
  area: 'memory',
  title: 'Memory of sessions',
  description: 'What settings let sessions use, now and at most; memory contexts of our own session (14+).',
  clusterWide: true,
  judges: false,
  input: { limit: z.int().min(1).max(500).default(20) },
  output: {
    bounds: z.array(z.object(memoryBound)),
    session_bytes: bytes.nullable().describe('What our own session takes, which does little.'),
    rows: z.array(memoryContexts.shape.omit({ all_bytes: true, total_rows: true })),
    truncated: z.boolean(),
    total: z.int().min(0),
  },
  sees: [{ what: 'autovacuum workers that run', privilege: 'pg_read_all_stats' }],
  statements: statementsOf(PARTS),
  async run({ limit }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { limit: limit + 1 });
    const [settings] = parts.workMemory;
    const [first] = parts.memoryContexts;
    return {
      bounds: settings ? boundsOf(settings) : [],
      session_bytes: first?.all_bytes ?? null,
      rows: parts.memoryContexts.slice(0, limit).map(({ all_bytes: _all, total_rows: _rows, ...row }) => row),
      truncated: parts.memoryContexts.length > limit,
      total: first?.total_rows ?? 0,
      facts,
      findings: [],
      not_examined: [
        ...unreadable.map((gap) =>
          withGrant(gap, { view: 'pg_backend_memory_contexts', function: 'pg_get_backend_memory_contexts' }, facts),
        ),
        OWN_SETTINGS,
        ...(facts.major >= 14 ? [OTHER_SESSIONS] : []),
      ],
    };
  },
});

const OWN_SETTINGS: NotExamined = {
  what: 'what roles, databases and sessions set for themselves',
  reason: 'The bounds are those of this session; PostgreSQL shows no session the settings of another.',
  remedy:
    "SELECT setdatabase::bigint, setrole::regrole, setconfig FROM pg_db_role_setting WHERE setconfig::text LIKE '%mem%';",
};

/** https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL */
const OTHER_SESSIONS: NotExamined = {
  what: 'memory of other sessions',
  reason: 'Each can only write its own to the log of the server, when a superuser asks for it.',
  remedy:
    'SELECT pid, usename, backend_start, state, query FROM pg_stat_activity ORDER BY backend_start;\n-- then, with the pid of one of them: SELECT pg_log_backend_memory_contexts(pid)',
};
