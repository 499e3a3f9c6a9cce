import { z } from 'zod';
import { requireStore } from './no-store.ts';
import { defineAdmin } from './admin-operation.ts';
import { chooseFile, verifyOpened, type VerifyParts } from './audit-verify.ts';

const SEEN = 'is the digest that `howdah audit verify` gives under `lost`';

export function auditAcceptRestore({ store, checkpointFile }: VerifyParts) {
  return defineAdmin({
    // not `audit_…`: whoever may read the log may not say what it need not have
    name: 'accept_restore',
    area: 'audit',
    title: 'Accept what a restore of the store has lost',
    description:
      'Verifies the store, and signs that the events which are missing at the ends of chains are known to be lost, with the reason. Verifying goes on without naming them.',
    reaches: 'nothing',
    input: {
      reason: z.string().trim().min(1).max(1000).describe('Why they are missing, for those who read it later.'),
      lost: z
        .string({ error: SEEN })
        .regex(/^[0-9a-f]{64}$/, SEEN)
        .describe('What is accepted: `lost` of `audit_verify` with the same checkpoints. Anything else is refused.'),
      checkpoints: z.string().optional().describe('File of checkpoints that is kept outside the store.'),
    },
    output: {
      chains: z.array(
        z.object({
          chain: z.string(),
          sequence: z.int().describe('The newest event that is there; -1 for none.'),
          hash: z.string(),
          lost: z.int().describe('The newest event that is known to be lost.'),
        }),
      ),
      checkpoints: z.object({ from: z.int(), to: z.int(), at: z.string() }).nullable(),
    },
    run: async ({ reason, lost: seen, checkpoints }, context) => {
      const opened = requireStore(store());
      const report = await verifyOpened(opened, await chooseFile(checkpoints, checkpointFile()), context);
      const { acceptLoss } = await import('../audit/accept-loss.ts');
      const loss = await acceptLoss(opened, { lost: report.lost, seen, by: context.principal.subject, reason });
      return { chains: loss.chains, checkpoints: loss.checkpoints };
    },
  });
}
