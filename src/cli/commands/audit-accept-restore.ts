import { defineCommand, PURPOSE_OPTION } from '../command.ts';
import { CHECKPOINTS } from './audit-options.ts';

export const auditAcceptRestore = defineCommand({
  name: 'audit accept-restore',
  group: 'Administer',
  summary: 'Accept, with a signature, that a restore of the store lost the newest events',
  positionals: [],
  options: {
    lost: { type: 'string', value: '<digest>', description: 'What is accepted: `lost` of `howdah audit verify`' },
    reason: { type: 'string', value: '<text>', description: 'Why they are missing; it is on record' },
    ...CHECKPOINTS,
    ...PURPOSE_OPTION,
  },
  examples: [
    {
      line: `howdah audit accept-restore --lost 1f3c… --reason 'disk lost, restored from last night'`,
      does: 'after a restore',
    },
  ],
  notes:
    'Only what is missing at the ends of chains, and only what you have seen: where more is missing by now, nothing is signed.',
  run: async (shell, { values }) => (await import('../administer-audit.ts')).acceptRestore(shell, values),
});
