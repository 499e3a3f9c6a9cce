import { z } from 'zod';
import { readCursor, writeCursor } from '../audit/search-cursor.ts';
import { AuditEvent } from '../contract/audit-event.ts';
import { defineAdmin } from './admin-operation.ts';
import { auditFilters, readFilters } from './audit-filters.ts';
import { requireReader, type AuditSource } from './audit-source.ts';

const MOST = 1000;
/** For what stands around the rows. */
const MARGIN_BYTES = 2000;

export function auditSearch(source: AuditSource) {
  return defineAdmin({
    name: 'audit_search',
    area: 'audit',
    title: 'Search the audit log',
    description: 'Events of the audit log in the store that match all filters, newest first, a page at a time.',
    reaches: 'nothing',
    input: {
      ...auditFilters,
      limit: z.int().min(1).max(MOST).default(50),
      cursor: z.string().max(1000).optional().describe('`next` of the page before, with the same filters.'),
    },
    output: {
      rows: z.array(AuditEvent),
      since: z.string().nullable().describe('From when on was searched; null for the begin of the log.'),
      next: z.string().nullable().describe('`cursor` of the next page; null on the last one.'),
    },
    run: async ({ limit, cursor, ...given }, { persona }) => {
      const reader = requireReader(source);
      const asked = readFilters(given, source.operations);
      const from = cursor === undefined ? undefined : readCursor(cursor, given);
      // durations count back from the first page
      const filters = from === undefined ? asked : { ...asked, since: from.since, until: from.until };
      const { since, until } = filters;
      const most = Math.min(limit, persona.limits.rows);
      const found = await reader.search({ filters, after: from?.place, limit: most + 1 });
      const rows = fitting(found.slice(0, most), persona.limits.bytes - MARGIN_BYTES);
      const last = rows.at(-1);
      const isLast = last === undefined || rows.length === found.length;
      const next = isLast ? null : writeCursor({ place: { at: last.at, id: last.id }, since, until }, given);
      return { rows, since: since ?? null, next };
    },
  });
}

/** What the limit of bytes would cut off comes with the next page; the first event is there in any case. */
function fitting(events: readonly AuditEvent[], maxBytes: number): AuditEvent[] {
  let bytes = 0;
  const over = events.findIndex((event) => (bytes += Buffer.byteLength(JSON.stringify(event)) + 1) > maxBytes);
  return over === -1 ? [...events] : events.slice(0, Math.max(1, over));
}
