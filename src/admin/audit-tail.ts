import { z } from 'zod';
import { tailAudit } from '../audit/tail.ts';
import { AuditEvent } from '../contract/audit-event.ts';
import { defineAdmin } from './admin-operation.ts';

/** Which events are wanted; what is left out does not narrow. */
const filters = {
  operation: z.string().optional(),
  principal: z.string().optional().describe('The subject, such as the name of an operating-system user.'),
  server: z.string().optional(),
  outcome: z.string().optional().describe('OK or an error code.'),
};
type AuditFilters = z.output<z.ZodObject<typeof filters>>;

export function auditTail(directory: string) {
  return defineAdmin({
    name: 'audit_tail',
    area: 'audit',
    title: 'Newest audit events',
    description:
      'The newest events of the audit log, oldest of them first, narrowed by operation, principal, server or outcome.',
    reaches: 'nothing',
    input: {
      ...filters,
      limit: z.int().min(1).max(10_000).default(20),
      follow: z.boolean().default(false).describe('The caller goes on to read what is added; for the record.'),
    },
    output: { rows: z.array(AuditEvent) },
    run: async ({ limit, ...wanted }) => {
      const rows: AuditEvent[] = [];
      for await (const event of tailAudit(directory, { lines: limit, filter: matches(wanted) })) rows.push(event);
      return { rows };
    },
  });
}

export function matches(wanted: AuditFilters): (event: AuditEvent) => boolean {
  return (event) =>
    isWanted(wanted.operation, event.operation) &&
    isWanted(wanted.principal, event.principal_subject) &&
    isWanted(wanted.server, event.server) &&
    isWanted(wanted.outcome, event.outcome);
}

function isWanted(asked: string | undefined, value: string | null): boolean {
  return asked === undefined || asked === value;
}
