import { defineCommand, PURPOSE_OPTION } from '../command.ts';

export const auditAcceptRestore = defineCommand({
  name: 'audit accept-restore',
  group: 'Administer',
  summary: 'Accept, with a signature, that a restore of the store lost the newest events',
  positionals: [],
  options: {
    reason: { type: 'string', value: '<text>', description: 'Why they are missing; it is on record' },
    checkpoints: {
      type: 'string',
      value: '<file>',
      description: 'Copy of the signed checkpoints that is kept elsewhere; the file of this machine by default',
    },
    ...PURPOSE_OPTION,
  },
  examples: [
    { line: `howdah audit accept-restore --reason 'disk lost, restored from last night'`, does: 'after a restore' },
  ],
  notes:
    'Only what is missing at the ends of chains can be accepted. `howdah audit verify` says it, and is whole again.',
  run: async (shell, { values }) => (await import('../administer-audit.ts')).acceptRestore(shell, values),
});
