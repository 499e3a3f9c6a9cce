import { z } from 'zod';
import type { ReachedDatabase } from '../../calls/context.ts';
import {
  byServerVersion,
  definePart,
  defineTool,
  readParts,
  sql,
  statementsOf,
  type ConnectionFacts,
  type Finding,
  type NotExamined,
  type RowOf,
} from '../kit/index.ts';
import { allocations, numaNodes, numaSupport, withGrant } from './allocations.ts';

const bytes = z.int().min(0).meta({ unit: 'bytes' });

/** Settings that a version does not have are null. */
export const memorySettings = definePart({
  what: 'settings of shared memory',
  row: {
    shared_buffers: bytes,
    shared_memory_size: bytes.nullable().describe('All of it, as it was at the start; PostgreSQL 15 on.'),
    huge_pages: z.string(),
    huge_pages_status: z.string().nullable().describe('Whether they are in use; PostgreSQL 17 on.'),
    huge_page_size: bytes.nullable().describe('Null for the default of the host.'),
    shared_memory_size_in_huge_pages: z.int().nullable().describe('How many it takes; PostgreSQL 15 on, on Linux.'),
    shared_memory_type: z.string(),
  },
  sql: byServerVersion({
    12: sql`
      select pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) as shared_buffers,
             pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_memory_size', true)) as shared_memory_size,
             pg_catalog.current_setting('huge_pages') as huge_pages, pg_catalog.current_setting('huge_pages_status', true) as huge_pages_status,
             nullif(pg_catalog.pg_size_bytes(pg_catalog.current_setting('huge_page_size', true)), 0) as huge_page_size,
             nullif(pg_catalog.current_setting('shared_memory_size_in_huge_pages', true)::bigint, -1) as shared_memory_size_in_huge_pages,
             pg_catalog.current_setting('shared_memory_type') as shared_memory_type`,
  }),
});

const PARTS = { memorySettings, allocations };

export default defineTool({
  name: 'shared_memory',
  area: 'memory',
  title: 'Shared memory',
  description: 'What shared memory is allocated for; shared_buffers, huge pages, NUMA nodes (18+).',
  clusterWide: true,
  judges: false,
  cost: 'With numa every page of shared memory is touched, which takes a while and makes the host provide it.',
  seldom: ['numa'],
  input: {
    numa: z.boolean().default(false).describe('Also by NUMA node.'),
    limit: z.int().min(1).max(500).default(20),
  },
  thresholds: {
    huge_pages_from: z
      .int()
      .min(0)
      .default(8 * 2 ** 30)
      .describe('Report when as many bytes are not in huge pages.'),
  },
  output: {
    settings: memorySettings.shape.nullable(),
    total_size: bytes.nullable(),
    rows: z.array(allocations.shape.omit({ total_size: true, total_rows: true })),
    truncated: z.boolean(),
    total: z.int().min(0),
    numa_nodes: z.array(numaNodes.shape).optional(),
  },
  statements: statementsOf({ ...PARTS, numaSupport, numaNodes }),
  async run({ numa, limit, huge_pages_from }, target) {
    const { facts, parts, unreadable } = await readParts(target, PARTS, { limit: limit + 1 });
    const [settings] = parts.memorySettings;
    const [first] = parts.allocations;
    const nodes = numa ? await readNodes(target) : undefined;
    return {
      settings: settings ?? null,
      total_size: first?.total_size ?? null,
      rows: parts.allocations.slice(0, limit).map(({ total_size: _size, total_rows: _rows, ...row }) => row),
      truncated: parts.allocations.length > limit,
      total: first?.total_rows ?? 0,
      ...(nodes && { numa_nodes: [...nodes.rows] }),
      facts,
      findings: judgeHugePages(settings, huge_pages_from, facts),
      not_examined: [
        ...unreadable.map((gap) =>
          withGrant(gap, { view: 'pg_shmem_allocations', function: 'pg_get_shmem_allocations' }, facts),
        ),
        ...(nodes?.gaps ?? []),
      ],
    };
  },
});

interface Nodes {
  readonly rows: readonly RowOf<typeof numaNodes>[];
  readonly gaps: readonly NotExamined[];
}

/** Where there is no such support, to ask for nodes is an error. */
async function readNodes(target: ReachedDatabase): Promise<Nodes> {
  const support = await readParts(target, { numaSupport }, {});
  if (support.unreadable.length > 0) return { rows: [], gaps: support.unreadable };
  if (support.parts.numaSupport[0]?.available !== true) {
    const reason = 'pg_numa_available() is false: this build, or its operating system, does not support NUMA.';
    return { rows: [], gaps: [{ what: numaNodes.what, reason }] };
  }
  const { parts, unreadable } = await readParts(target, { numaNodes }, {});
  return { rows: parts.numaNodes, gaps: unreadable };
}

/** A page table of small pages is kept for each session: https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-HUGE-PAGES */
export function judgeHugePages(
  settings: RowOf<typeof memorySettings> | undefined,
  from: number,
  { service }: Pick<ConnectionFacts, 'service'>,
): Finding[] {
  const memory = settings?.shared_memory_size ?? 0;
  if (!settings || service !== null || settings.huge_pages_status !== 'off' || memory < from) return [];
  const { shared_memory_size_in_huge_pages: needed, huge_pages, huge_pages_status } = settings;
  return [
    {
      severity: 'notice',
      claim: 'Shared memory is large and in small pages, whose tables cost each session memory and time.',
      object: '"huge_pages"',
      evidence: { shared_memory_size: memory, huge_pages, huge_pages_status, shared_memory_size_in_huge_pages: needed },
      why: 'https://www.postgresql.org/docs/current/kernel-resources.html#LINUX-HUGE-PAGES',
      next_step: [
        'SHOW shared_memory_size_in_huge_pages;',
        '-- reserve as many on the host (vm.nr_hugepages) and restart PostgreSQL; with huge_pages = on it does not start without them',
      ].join('\n'),
    },
  ];
}
