import { z } from 'zod';
import { matches } from '../audit/filters.ts';
import { tailStore } from '../audit/store-tail.ts';
import { tailAudit } from '../audit/tail.ts';
import { AuditEvent } from '../contract/audit-event.ts';
import { defineAdmin } from './admin-operation.ts';
import { auditFilters, readFilters } from './audit-filters.ts';
import type { AuditSource } from './audit-source.ts';

export function auditTail(source: AuditSource) {
  return defineAdmin({
    name: 'audit_tail',
    area: 'audit',
    title: 'Newest audit events',
    description: 'The newest events of the audit log that match all filters, oldest of them first.',
    reaches: 'nothing',
    input: {
      ...auditFilters,
      limit: z.int().min(1).max(10_000).default(20),
      follow: z.boolean().default(false).describe('The caller goes on to read what is added; for the record.'),
      files: z.boolean().default(false).describe('Of the files of this machine, even where there is a store.'),
    },
    output: { rows: z.array(AuditEvent) },
    run: async ({ limit, follow: _follow, files, ...given }, { deadline: { signal } }) => {
      const filters = readFilters(given, source.operations);
      const reader = files ? undefined : source.reader();
      const events =
        reader === undefined
          ? tailAudit(source.directory, { lines: limit, filter: matches(filters) })
          : tailStore(reader, { lines: limit, filters, follow: false, signal });
      const rows: AuditEvent[] = [];
      for await (const event of events) rows.push(event);
      return { rows };
    },
  });
}
