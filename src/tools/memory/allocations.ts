import { z } from 'zod';
import {
  byServerVersion,
  definePart,
  param,
  percentOf,
  quoteIdentifier,
  sql,
  type ConnectionFacts,
  type NotExamined,
} from '../kit/index.ts';

const bytes = z.int().min(0).meta({ unit: 'bytes' });

/** https://www.postgresql.org/docs/current/view-pg-shmem-allocations.html */
export const allocations = definePart({
  what: 'what shared memory is allocated for',
  row: {
    kind: z.enum(['named', 'anonymous', 'unused']),
    name: z.string().nullable(),
    size: bytes,
    allocated_size: bytes.describe('With what alignment adds.'),
    percent: z.number().nullable().meta({ unit: 'percent' }),
    total_size: bytes,
    total_rows: z.int(),
  },
  sql: byServerVersion({
    13: sql`
      select case when s.name is null then 'unused' when s.name = '<anonymous>' then 'anonymous' else 'named' end as kind,
             nullif(s.name, '<anonymous>') as name, s.size, s.allocated_size,
             ${percentOf(sql`s.allocated_size`, sql`pg_catalog.sum(s.allocated_size) over ()`)} as percent,
             (pg_catalog.sum(s.allocated_size) over ())::bigint as total_size, pg_catalog.count(*) over () as total_rows
        from pg_catalog.pg_shmem_allocations s
       order by s.allocated_size desc, s.name
       limit ${param('limit')}`,
  }),
});

/** Whether the server can tell on which NUMA node its memory is. */
export const numaSupport = definePart({
  what: 'shared memory by NUMA node',
  row: { available: z.boolean() },
  sql: byServerVersion({ 18: sql`select pg_catalog.pg_numa_available() as available` }),
});

/** https://www.postgresql.org/docs/current/view-pg-shmem-allocations-numa.html */
export const numaNodes = definePart({
  what: 'shared memory by NUMA node',
  row: { numa_node: z.int().nullable(), size: bytes, allocations: z.int().min(0) },
  sql: byServerVersion({
    18: sql`
      select n.numa_node, pg_catalog.sum(n.size)::bigint as size, pg_catalog.count(*) as allocations
        from pg_catalog.pg_shmem_allocations_numa n
       where n.size > 0
       group by n.numa_node
       order by n.numa_node`,
  }),
});

interface Granted {
  readonly view: 'pg_shmem_allocations' | 'pg_backend_memory_contexts';
  readonly function: 'pg_get_shmem_allocations' | 'pg_get_backend_memory_contexts';
}

/** Before PostgreSQL 15 neither is granted to anybody, not to pg_monitor either. */
export function withGrant(gap: NotExamined, { view, function: reads }: Granted, facts: ConnectionFacts): NotExamined {
  if (facts.role.superuser || !gap.reason.includes('permission denied')) return gap;
  const login = quoteIdentifier(facts.role.name);
  const remedy =
    facts.major >= 15
      ? `GRANT pg_monitor TO ${login};`
      : `GRANT SELECT ON pg_catalog.${view} TO ${login};\nGRANT EXECUTE ON FUNCTION pg_catalog.${reads}() TO ${login}; -- in each database`;
  return { ...gap, remedy };
}
