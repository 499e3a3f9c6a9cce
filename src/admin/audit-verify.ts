import { z } from 'zod';
import { verifyAudit } from '../audit/verify.ts';
import { defineAdmin } from './admin-operation.ts';

const head = z.object({ chain: z.string(), sequence: z.int(), hash: z.string() });

export function auditVerify(directory: string) {
  return defineAdmin({
    name: 'audit_verify',
    area: 'audit',
    title: 'Verify the audit log',
    description:
      'Checks every event, hash chain and link between the files of the audit log, and names the first broken link.',
    reaches: 'nothing',
    input: {},
    output: {
      ok: z.boolean().describe('Nothing is broken.'),
      events: z.int().min(0),
      broken: z.array(z.object({ file: z.string(), line: z.int().nullable(), what: z.string() })),
      files: z.array(
        z.object({
          file: z.string(),
          events: z.int().min(0),
          closed: z.boolean(),
          notes: z.array(z.string()),
          head: head
            .nullable()
            .describe('To be kept elsewhere: only that shows a later truncation of the newest file.'),
        }),
      ),
      complete: z.literal(false),
      limits: z.string().describe('What the log alone cannot show.'),
    },
    run: () => verifyAudit(directory),
  });
}
