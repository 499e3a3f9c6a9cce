import { z } from 'zod';
import { EXPORT_FORMATS } from '../audit/export-format.ts';
import { matches } from '../audit/filters.ts';
import { readAllFiles } from '../audit/tail.ts';
import type { AuditEvent } from '../contract/audit-event.ts';
import { defineAdmin } from './admin-operation.ts';
import { auditFilters, readFilters, type GivenFilters } from './audit-filters.ts';
import type { AuditSource } from './audit-source.ts';

/** Puts an export on record; whoever called it reads the events with `exportedEvents` then, and records what they were. */
export function auditExport(source: AuditSource) {
  return defineAdmin({
    name: 'audit_export',
    area: 'audit',
    title: 'Export of the audit log',
    description:
      'Begins an export of all events that match all filters, oldest first; on record before the first leaves.',
    reaches: 'nothing',
    input: {
      ...auditFilters,
      format: z.enum(EXPORT_FORMATS).default('jsonl'),
      files: z.boolean().default(false).describe('Of the files of this machine, even where there is a store.'),
    },
    output: { from: z.enum(['store', 'files']) },
    run: ({ format: _format, files, ...given }) => {
      readFilters(given, source.operations);
      return Promise.resolve({ from: files || source.reader() === undefined ? 'files' : 'store' } as const);
    },
  });
}

/** In constant memory. Of the store in the order of time, of files in the order of each file. */
export function exportedEvents(
  source: AuditSource,
  given: GivenFilters,
  from: 'store' | 'files',
): AsyncGenerator<AuditEvent, void, undefined> {
  const filters = readFilters(given, source.operations);
  const reader = from === 'store' ? source.reader() : undefined;
  return reader === undefined ? readAllFiles(source.directory, matches(filters)) : reader.all(filters);
}
