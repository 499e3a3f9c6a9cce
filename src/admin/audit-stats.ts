import { z } from 'zod';
import { COUNTED_BY, readStats } from '../audit/stats.ts';
import { readSessions } from '../audit/sessions.ts';
import { defineAdmin } from './admin-operation.ts';
import { auditFilters, readFilters, type GivenFilters } from './audit-filters.ts';
import { requireReader, type AuditSource } from './audit-source.ts';

const ms = z.number().nullable().meta({ unit: 'ms' });
const count = z.int().min(0);
const { kind: _, ...filters } = auditFilters;

export function auditStats(source: AuditSource) {
  return defineAdmin({
    name: 'audit_stats',
    area: 'audit',
    title: 'Calls in figures',
    description:
      'How many calls there were, denied, failed, how much they read and how long they took, by time or by who and what.',
    reaches: 'nothing',
    input: {
      ...filters,
      by: z.enum(COUNTED_BY).default('day'),
      limit: z.int().min(1).max(10_000).default(100),
    },
    output: {
      since: z.iso.datetime(),
      until: z.iso.datetime(),
      rows: z.array(
        z.object({
          key: z.string().nullable().describe('What `by` asks for; null for calls that name none.'),
          calls: count,
          denied: count,
          failed: count.describe('Though allowed.'),
          rows: count,
          bytes: count.meta({ unit: 'bytes' }),
          p50_ms: ms.describe('Rounded up, by 10 % at most.'),
          p95_ms: ms.describe('Rounded up, by 10 % at most.'),
          max_ms: ms,
        }),
      ),
    },
    run: async ({ by, limit, ...given }) => {
      const bounds = bounded(given, '30d', source);
      const rows = await readStats(requireReader(source), { by, filters: bounds, limit });
      return { since: bounds.since, until: bounds.until, rows };
    },
  });
}

export function auditSessions(source: AuditSource) {
  return defineAdmin({
    name: 'audit_sessions',
    area: 'audit',
    title: 'Sessions in the audit log',
    description: 'Calls of one caller by one client without a pause of 30 minutes, the latest session first.',
    reaches: 'nothing',
    input: { ...filters, limit: z.int().min(1).max(1000).default(50) },
    output: {
      since: z.iso.datetime(),
      until: z.iso.datetime(),
      rows: z.array(
        z.object({
          principal: z.string().nullable(),
          client: z.string().nullable(),
          transport: z.string().nullable(),
          first: z.iso.datetime(),
          last: z.iso.datetime(),
          calls: count,
          denied: count,
          failed: count,
          servers: z.array(z.string()),
          tools: z.array(z.string()),
        }),
      ),
    },
    run: async ({ limit, ...given }) => {
      const bounds = bounded(given, '1d', source);
      const rows = await readSessions(requireReader(source), bounds, limit);
      return { since: bounds.since, until: bounds.until, rows };
    },
  });
}

function bounded(given: GivenFilters, since: string, { operations }: AuditSource) {
  const now = Date.now();
  const read = readFilters({ ...given, since: given.since ?? since }, operations, now);
  return { ...read, since: read.since ?? new Date(0).toISOString(), until: read.until ?? new Date(now).toISOString() };
}
